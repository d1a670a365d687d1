//go:build !linux

package tail

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// A Tail is never opened: a file would have to be opened anew, for reading, and
// elsewhere opening /dev/fd/2 gives a copy of the descriptor, which cannot read.
type Tail struct{}

// Open returns an error that is errors.ErrUnsupported.
func Open(Config) (*Tail, error) {
	return nil, fmt.Errorf("not supported on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Show does nothing.
func (t *Tail) Show(context.Context, bool) (more bool, err error) { return false, nil }

// MidLine returns false.
func (t *Tail) MidLine() bool { return false }

// Close does nothing.
func (t *Tail) Close() {}
