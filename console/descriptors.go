package console

import (
	"context"
	"fmt"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/fds"
)

func descriptors(ctx context.Context, s *session, a *args.Parsed) error {
	match, err := a.WordPattern()
	if err != nil {
		return err
	}
	o := fds.Options{
		Match: match, State: a.Text("state"), Sort: a.Flag("sort"), Most: a.Count("n"), Own: s.cfg.Path,
		Idle: a.Longest("idle", time.Millisecond, "the kernel counts milliseconds; try 5m"),
		Afford: func() error {
			if err := afford("the next part of the list", someNeed); err != nil {
				return fmt.Errorf("%w; try gc before", err)
			}
			return nil
		},
	}
	if err := a.Err(); err != nil {
		return err
	}
	if o.Waiting, o.Note, err = waiting(ctx, s, a.Flag("who")); err != nil {
		return err
	}
	return fds.List(ctx, s.out, o)
}
