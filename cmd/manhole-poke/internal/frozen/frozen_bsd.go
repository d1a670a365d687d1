//go:build darwin || freebsd

package frozen

import (
	"context"
	"os"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/internal/copynote"
)

// A Copy is of no use here.
type Copy struct {
	PID       int
	Note      copynote.Note
	Core, Exe string
	Memory    *os.File
	Auxv      []byte
	Thread    *Thread
}

// A Thread is of no use here.
type Thread struct {
	ID      int
	Context []byte
}

// Take fails: only Linux has copies.
func Take(context.Context, *session.Session, Options) (*Copy, error) {
	return nil, exit.Errorf(exit.Unsupported, "unsupported", "a frozen copy is possible on Linux only; try stack, or a debugger")
}

// LastResort fails as [Take] does.
func LastResort(ctx context.Context, _ *process.Process) (*Copy, error) {
	return Take(ctx, nil, Options{})
}

// Ended returns nil.
func (c *Copy) Ended() <-chan struct{} { return nil }

// Same returns false.
func (c *Copy) Same() bool { return false }

// Close does nothing.
func (c *Copy) Close() {}
