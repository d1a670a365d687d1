package console

import (
	"context"
	"fmt"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/internal/words"
	"github.com/go-manhole/lazy/stackdump"
)

// blockedOn shows what goroutines wait for, and which may hold it.
func blockedOn(ctx context.Context, s *session, a *args.Parsed) error {
	filter := filterOf(a)
	render := stackdump.RenderOptions{Skipped: "of this session's own", Groups: a.Count("n")}
	if err := a.Err(); err != nil {
		return err
	}
	json := false
	for _, w := range a.Words {
		if w != "json" {
			return fmt.Errorf("unexpected argument %s; try json, and help blocked", words.Show(w))
		}
		json = true
	}
	force, err := s.forced(a)
	if err != nil {
		return err
	}
	s.announceStop()
	b, err := stackdump.CaptureBlocked(ctx, stackdump.Options{Force: force, SkipFunc: mark.Func}, filter)
	if err != nil {
		return s.howToForce(err, "stack raw, which is cut to fit", "blocked", a)
	}
	if !json {
		return b.Render(s.out, render)
	}
	if n := render.Groups; n > 0 && n < len(b.Objects) {
		b.More += len(b.Objects) - n
		b.Objects = b.Objects[:n]
	}
	return b.WriteJSON(s.out)
}
