//go:build linux && !(amd64 || arm64)

package lazy

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func accept4(fd int) (int, error) {
	conn, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return conn, err
}

func poll(fd *unix.PollFd) (int, error) {
	return unix.Poll(unsafe.Slice(fd, 1), 0)
}
