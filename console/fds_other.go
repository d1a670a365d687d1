//go:build !linux

package console

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

func fds(context.Context, *session, []string) error {
	return fmt.Errorf("not supported on %s: %w; try lsof", runtime.GOOS, errors.ErrUnsupported)
}
