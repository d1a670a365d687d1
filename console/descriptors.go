package console

import (
	"context"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/fds"
)

func descriptors(ctx context.Context, s *session, a *args.Parsed) error {
	match, err := a.WordPattern()
	if err != nil {
		return err
	}
	return fds.List(ctx, s.out, match)
}
