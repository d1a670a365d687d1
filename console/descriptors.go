package console

import (
	"context"
	"fmt"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/fds"
)

func descriptors(ctx context.Context, s *session, a *args.Parsed) error {
	match, err := a.WordPattern()
	if err != nil {
		return err
	}
	return fds.List(ctx, s.out, match, func() error {
		if err := afford("the next part of the list", someNeed); err != nil {
			return fmt.Errorf("%w; try gc before", err)
		}
		return nil
	})
}
