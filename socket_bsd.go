//go:build darwin || freebsd

package lazy

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// usualPaths are where the socket appears unless WithPath says otherwise.
func usualPaths(pid int) []string { return []string{fmt.Sprintf("/tmp/manhole-%d", pid)} }

// abstract: there are only files here.
func abstract(string) bool { return false }

// newSocket makes a socket for the doorbell to bind.
func newSocket() (int, error) {
	// The lock keeps a fork from inheriting the socket before it is marked.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	unix.CloseOnExec(fd)
	fd = aboveStdio(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("fcntl of the socket: %w", err)
	}
	return fd, nil
}

// listen takes the others' permissions from the file before anybody can
// connect: until listen the socket refuses everybody.
func listen(fd int, path string) error {
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	if err := unix.Fchmodat(unix.AT_FDCWD, path, 0o600, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	return unix.Listen(fd, backlog)
}

func accept(fd int) (int, error) {
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

// newSpare makes the descriptor that is given up when there is no other for a
// peer.
func newSpare(unix.Signal, string) (int, error) {
	return newDumbSpare()
}

// vanished can't tell a peer that has gone from one that ended its input,
// because POLLHUP means either here. A peer that has gone is noticed by the
// next read or write.
func vanished(int) bool { return false }
