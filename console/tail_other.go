//go:build !linux

package console

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// tail needs to open anew, for reading, what a descriptor writes to. Elsewhere
// opening /dev/fd/2 gives a copy of the descriptor, which can't read.
func tail(context.Context, *session, []string) error {
	return fmt.Errorf("not supported on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
