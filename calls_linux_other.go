//go:build linux && !(amd64 || arm64)

package lazy

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func recv(fd int, p []byte, flags int) (int, error) {
	n, _, err := unix.Recvfrom(fd, p, flags)
	return n, err
}

func send(fd int, p []byte) (int, error) {
	return unix.SendmsgN(fd, p, nil, nil, unix.MSG_NOSIGNAL)
}

func accept4(fd int) (int, error) {
	conn, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return conn, err
}

func poll(fd *unix.PollFd) (int, error) {
	return unix.Poll(unsafe.Slice(fd, 1), 0)
}
