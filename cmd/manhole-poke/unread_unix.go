//go:build linux || darwin || freebsd

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/ring"
	"golang.org/x/sys/unix"
)

// errUnread ends a context of whileRead.
var errUnread = errors.New("nobody reads standard output any longer")

// whileRead returns a context that ends with ctx or, if out is a pipe or a
// socket, when nobody reads it any longer: head has enough, or ssh was ended. While
// a process takes its time to answer nothing is written, so no write fails.
func whileRead(ctx context.Context, out *os.File) context.Context {
	const pipeOrSocket = fs.ModeNamedPipe | fs.ModeSocket
	if st, err := out.Stat(); err != nil || st.Mode()&pipeOrSocket == 0 {
		return ctx // a terminal that hangs up sends a signal
	}
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		// Twice in a row, as a reader may leave with the last line, when the
		// answer is about to end well.
		for times := 0; times < 2; times++ {
			if ring.Sleep(ctx, 50*time.Millisecond) != nil {
				return
			}
			if !unread(out) {
				times = -1
			}
		}
		end(errUnread)
	}()
	return ctx
}

// unread reports whether a write would fail. It polls without waiting, because
// macOS reports that only to those who also wait to write. For a socket the
// flag is POLLHUP; POLLRDHUP says that the other side has nothing more to say,
// as sshd at the end of its input.
func unread(f *os.File) bool {
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLOUT}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}

// brokenPipe ends this process as any program ends that writes to what nobody
// reads: of SIGPIPE, which os/signal leaves to a write to standard output. It
// returns if somebody reads again.
func brokenPipe(out *os.File) error {
	out.Write([]byte("\n"))
	return exit.Errorf(exit.LocalIO, "output", "cannot write the answers: %v", errUnread)
}
