//go:build !linux

package fds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
)

// List returns an error that is errors.ErrUnsupported.
func List(context.Context, io.Writer, Options) error {
	return fmt.Errorf("not supported on %s: %w; try lsof", runtime.GOOS, errors.ErrUnsupported)
}

// Name returns "".
func Name(int) string { return "" }
