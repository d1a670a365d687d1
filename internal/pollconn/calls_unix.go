//go:build darwin || freebsd || (linux && !(amd64 || arm64))

package pollconn

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func recv(fd int, p []byte, flags int) (int, error) {
	n, _, err := syscall.Recvfrom(fd, p, flags)
	return n, err
}

func send(fd int, p []byte) (int, error) {
	return unix.SendmsgN(fd, p, nil, nil, unix.MSG_NOSIGNAL)
}

// processCPU is not needed: the system calls here are known to the scheduler anyway.
func processCPU() time.Duration { return 0 }

// fileOf returns what a descriptor refers to, or the zero value.
func fileOf(fd int) file {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return file{}
	}
	return file{uint64(st.Dev), uint64(st.Ino)}
}
