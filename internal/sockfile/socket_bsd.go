//go:build darwin || freebsd

package sockfile

import (
	"github.com/go-manhole/lazy/internal/armednote"
	"syscall"

	"golang.org/x/sys/unix"
)

// abstract returns false: here a path that begins with @ is a file.
func abstract(string) bool { return false }

func newSocket() (int, error) {
	// The lock keeps a fork from inheriting the socket before it is marked.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, err
	}
	unix.CloseOnExec(fd)
	fd = aboveStdio(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Listen binds the socket to path and listens. Only this user can connect: the
// file gets its mode while the socket still refuses every connection.
func Listen(fd int, path string) error {
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	if err := unix.Fchmodat(unix.AT_FDCWD, path, 0o600, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	return unix.Listen(fd, Backlog)
}

// Accept returns the next connection, non-blocking and closed on exec, or EAGAIN.
func Accept(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	conn, _, err := unix.Accept(fd)
	if err != nil {
		return -1, err
	}
	unix.CloseOnExec(conn)
	conn = aboveStdio(conn)
	err = unix.SetNonblock(conn, true)
	if err == nil {
		// Old systems do not know MSG_NOSIGNAL.
		err = unix.SetsockoptInt(conn, unix.SOL_SOCKET, unix.SO_NOSIGPIPE, 1)
	}
	if err != nil {
		unix.Close(conn)
		return -1, err
	}
	return conn, nil
}

// NewSpare makes the descriptor that is given up when there is none left for a
// client.
func NewSpare(armednote.Note) (int, error) { return newPlainSpare() }
