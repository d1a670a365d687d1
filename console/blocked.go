package console

import (
	"context"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/stackdump"
)

// blockedOn shows what goroutines wait for, and which may hold it.
func blockedOn(ctx context.Context, s *session, a *args.Parsed) error {
	filter := filterOf(a)
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
