//go:build amd64 || arm64

package sockfile

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// accept4 makes the system call without the Go scheduler's knowledge, since it
// does not wait; package pollconn says what that is good for.
func accept4(fd int) (int, error) {
	conn, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(conn), nil
}
