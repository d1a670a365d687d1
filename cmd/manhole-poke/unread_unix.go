//go:build unix

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// errUnread ends a context of whileRead.
var errUnread = errors.New("nobody reads standard output any more")

// whileRead is a context that ends with ctx or, if standard output is a pipe or
// a socket, when nobody reads it any more: head has enough, or ssh was ended.
// While an answer is long in coming nothing is written, and so nothing fails.
func whileRead(ctx context.Context) context.Context {
	const pipeOrSocket = fs.ModeNamedPipe | fs.ModeSocket
	if st, err := os.Stdout.Stat(); err != nil || st.Mode()&pipeOrSocket == 0 {
		return ctx // a terminal that hangs up sends a signal
	}
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		// Twice, as a reader may leave with the last line, and what was asked
		// for is then just ending well.
		for times := 0; times < 2; times++ {
			if wait(ctx, 50*time.Millisecond) != nil {
				return
			}
			if !unread(os.Stdout) {
				times = -1
			}
		}
		end(errUnread)
	}()
	return ctx
}

// unread asks for what a write would fail with. It asks again and again rather
// than wait, because macOS tells only who also waits to write. Of a socket it is
// POLLHUP that says so; that the other side has nothing more to say, as sshd at
// the end of its input, is POLLRDHUP.
func unread(f *os.File) bool {
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLOUT}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}

// brokenPipe ends this process as whatever writes to what nobody reads, of
// SIGPIPE, which os/signal leaves to a write to standard output. It returns if
// somebody reads again.
func brokenPipe() error {
	os.Stdout.Write([]byte("\n"))
	return failf(statusHere, "cannot write the answers: %v", errUnread)
}
