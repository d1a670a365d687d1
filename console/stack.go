package console

import (
	"context"
	"fmt"
	"runtime"

	"github.com/go-manhole/lazy/stackdump"
)

func stack(ctx context.Context, s *session, args []string) error {
	how := ""
	if len(args) > 0 {
		how = args[0]
	}
	switch {
	case len(args) > 1 || how != "" && how != "full" && how != "raw":
		return fmt.Errorf("%s is not understood; try stack, stack full or stack raw", show(args[len(args)-1]))
	case how == "raw":
		return stackdump.WriteRaw(ctx, s.out)
	case how == "full":
		n := runtime.NumGoroutine()
		s.say("lazy: the world stops for about %s (%d goroutines)\n", stackdump.Estimate(n), n)
		s.out.Flush()
	}
	d, err := stackdump.Capture(ctx, stackdump.Options{Full: how == "full", Skip: s.own})
	if err != nil {
		return err
	}
	s.last = d
	return d.Render(s.out, stackdump.RenderOptions{})
}
