package console

import (
	"context"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/stackdump"
)

// blockedOn shows what goroutines wait for, and which may hold it.
func blockedOn(ctx context.Context, s *session, a *args.Parsed) error {
	filter := stackdump.Filter{
		State: a.Text("state"), Match: a.Pattern("match"), Label: a.Text("label"),
		MinWait: a.Duration("min-wait", time.Minute, "the runtime counts waits in whole minutes; try 1m"),
		ID:      a.ID("id"), System: a.Flag("system"),
	}
	render := stackdump.RenderOptions{Skipped: "of this session's own", Groups: a.Count("n")}
	if err := a.Err(); err != nil {
		return err
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
	return b.Render(s.out, render)
}
