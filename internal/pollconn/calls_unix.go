//go:build darwin || freebsd || (linux && !(amd64 || arm64))

package pollconn

import "golang.org/x/sys/unix"

func recv(fd int, p []byte, flags int) (int, error) {
	n, _, err := unix.Recvfrom(fd, p, flags)
	return n, err
}

func send(fd int, p []byte) (int, error) {
	return unix.SendmsgN(fd, p, nil, nil, unix.MSG_NOSIGNAL)
}
