//go:build !linux

package pollfd

import (
	"errors"
	"fmt"
	"runtime"
)

// A Reader reads nothing here.
type Reader struct{}

// Open returns an error that is errors.ErrUnsupported.
func (*Reader) Open() error {
	return fmt.Errorf("not supported on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Close does nothing.
func (*Reader) Close() {}

// FD returns false.
func (*Reader) FD(uint64) (fd int, ok bool) { return 0, false }

// Opened returns false.
func Opened(uintptr) (fd int, ok bool) { return 0, false }
