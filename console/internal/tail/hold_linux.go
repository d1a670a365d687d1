//go:build amd64 || arm64

package tail

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy/internal/mark"
)

// hold calls f while no write to the streams through package os is under way, and
// reports whether it could.
func hold(streams []stream, pause func(), f func() error) (held bool, err error) {
	var locked atomic.Int32
	var begun atomic.Bool // f, or giving up
	ended := make(chan error, 1)
	release := make(chan struct{})
	// Waiting for a lock of package os cannot be given up. It ends together
	// with the program's write that it waits for.
	for _, st := range streams {
		go mark.Session(func() {
			withLock(st, func() {
				if int(locked.Add(1)) == len(streams) && begun.CompareAndSwap(false, true) {
					ended <- contain(f)
					close(release)
				}
				<-release
			})
		})
	}
	for start := time.Now(); ; pause() {
		select {
		case err := <-ended:
			return true, err
		default:
		}
		if time.Since(start) > holdTimeout && begun.CompareAndSwap(false, true) {
			close(release)
			return false, nil
		}
	}
}

// withLock calls f with the write lock of the stream's file. A file that the
// program has closed has none.
func withLock(s stream, f func()) {
	called := false
	if c, err := s.file.SyscallConn(); err == nil {
		c.Write(func(uintptr) bool {
			called = true
			f()
			return true
		})
	}
	if !called {
		f()
	}
}

// contain calls f and returns a panic as an error: what runs in another goroutine
// must not end the program.
func contain(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}
