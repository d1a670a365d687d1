//go:build !linux

// Package fds lists the open descriptors of this process, on Linux.
package fds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/go-manhole/lazy/internal/pattern"
)

// List returns an error that is errors.ErrUnsupported.
func List(context.Context, io.Writer, *pattern.Pattern, func() error) error {
	return fmt.Errorf("not supported on %s: %w; try lsof", runtime.GOOS, errors.ErrUnsupported)
}
