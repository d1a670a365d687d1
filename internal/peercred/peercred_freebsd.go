package peercred

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of returns the credentials for the connected socket fd (LOCAL_PEERCRED,
// unix(4)).
func Of(fd int) (Cred, error) {
	c, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return Cred{}, err
	}
	// The last word of struct xucred is a union that holds cr_pid since
	// FreeBSD 13 and is zero before (sys/ucred.h); x/sys gives it no name.
	pid := *(*int32)(unsafe.Add(unsafe.Pointer(c), unsafe.Sizeof(*c)-unsafe.Sizeof(uintptr(0))))
	return Cred{UID: int(c.Uid), GID: int(c.Groups[0]), PID: int(pid)}, nil
}
