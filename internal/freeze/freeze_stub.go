//go:build !(linux && (amd64 || arm64))

package freeze

import (
	"context"
	"errors"
	"io"
	"time"
)

// A Copy is a copy of this process. There is none on this system.
type Copy struct{ Taken }

// Check reports that this system is not supported.
func Check() error {
	return errors.New("a copy of the process can be made on Linux only (amd64 and arm64)")
}

// Estimate returns 0.
func Estimate() time.Duration { return 0 }

// Take fails as [Check] does.
func Take(Request) (*Copy, error) { return nil, Check() }

// Ended reports that there is no copy.
func (c *Copy) Ended() (bool, error) { return true, Check() }

// End does nothing.
func (c *Copy) End() {}

// WriteCore fails as [Check] does.
func (c *Copy) WriteCore(context.Context, io.Writer, func(done, all int64)) error { return Check() }
