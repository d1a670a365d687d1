package main

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peerOf asks the kernel who listens at the other end of a connection, see
// unix(4).
func peerOf(fd int) (peer, error) {
	c, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return peer{}, err
	}
	// cr_pid shares its place with a pointer that is no longer used, the last
	// member of struct xucred, <sys/ucred.h>; package unix leaves it nameless.
	const crPid = unsafe.Sizeof(*c) - unsafe.Sizeof(uintptr(0))
	pid := *(*int32)(unsafe.Add(unsafe.Pointer(c), crPid))
	if pid == 0 {
		return peer{}, errors.New("FreeBSD tells the pid since 13")
	}
	return peer{pid: int(pid), uid: int(c.Uid)}, nil
}
