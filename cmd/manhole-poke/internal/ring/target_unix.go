//go:build linux || darwin || freebsd

// Package ring gets from a process, or the path of a socket, to a connection
// whose other end is verified to be that process. If nobody listens yet, it
// sends the signal and waits for the socket.
package ring

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
)

// Options replace what the process says, and limit the waiting.
type Options struct {
	Signal  syscall.Signal // 0: the one that the process says, or SIGUSR2
	Path    string         // of the socket; "": the one that the process says, or the usual
	Timeout time.Duration  // for the file system, and again for the socket
}

// A Target is what to connect to: a process, or the path of a socket.
type Target struct {
	PID  int // 0 if there is only the path
	Path string
}

func (t Target) String() string {
	if t.PID == 0 {
		return t.Path
	}
	return strconv.Itoa(t.PID)
}

// Same reports whether both certainly belong to one process. A listener at a
// path could say whose it is, but only to a client that connects, and that would
// use up the session.
func (t Target) Same(other Target) bool {
	switch {
	case t == other:
		return true
	case t.PID == 0 && other.PID == 0:
		return process.SamePlace(t.Path, other.Path)
	case t.PID == 0:
		return other.Same(t)
	case other.PID != 0:
		return false
	}
	p, err := process.Open(t.PID)
	if err != nil {
		return false
	}
	defer p.Close()
	same, _ := p.OpensAt(other.Path)
	return same
}

// Connect connects to the target, after sending the signal if nobody listens.
// The caller closes both results.
func Connect(ctx context.Context, t Target, o Options) (*process.Process, *net.UnixConn, error) {
	if t.PID == 0 {
		return connectPath(ctx, o, t.Path)
	}
	p, err := process.Open(t.PID)
	if err != nil {
		return nil, nil, err
	}
	conn, err := ConnectProcess(ctx, p, o)
	if err != nil {
		p.Close()
		return nil, nil, err
	}
	return p, conn, nil
}

// Check finds mistakes without disturbing anybody: it fails if [Connect] would
// certainly fail.
func Check(t Target, o Options) error {
	if t.PID != 0 {
		p, err := process.Open(t.PID)
		if err == nil {
			err = CheckProcess(p, o)
			p.Close()
		}
		return err
	}
	err := process.Lstat(t.Path, o.Timeout)
	if errors.Is(err, fs.ErrNotExist) {
		p, err := ownerOf(t.Path)
		if err == nil {
			p.Close()
		}
		return err
	}
	if err != nil {
		return dialFailed(t.Path, o.Timeout, err)
	}
	return nil
}

// CheckProcess is [Check] for a process that is open.
func CheckProcess(p *process.Process, o Options) error {
	_, err := endpointOf(p, o)
	return err
}

// Sleep waits, or returns the cause of ctx's end.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
