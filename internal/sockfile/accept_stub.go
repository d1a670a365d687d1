//go:build linux && !(amd64 || arm64)

package sockfile

import "golang.org/x/sys/unix"

func accept4(fd int) (int, error) {
	conn, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return conn, err
}
