//go:build !linux

package console

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/go-manhole/lazy/console/internal/args"
)

// tail needs to open anew, for reading, what a descriptor writes to. Elsewhere
// opening /dev/fd/2 gives a copy of the descriptor, which can't read.
func tailOutput(context.Context, *session, *args.Parsed) error {
	return fmt.Errorf("not supported on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
