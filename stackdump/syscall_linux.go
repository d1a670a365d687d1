package stackdump

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// descriptorArgument returns the descriptor in the arguments of syscall.Syscall,
// "0x0, 0x3, 0xc000123300, 0x1)", if the call is one that may wait on it. It is 0 if
// there is none, and if it is descriptor 0.
func descriptorArgument(b []byte) uint64 {
	number, known := firstArgument(b)
	_, b, ok := bytes.Cut(b, []byte(", "))
	if !known || !ok {
		return 0
	}
	switch number {
	case unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_PREAD64, unix.SYS_PWRITE64,
		unix.SYS_RECVFROM, unix.SYS_SENDTO, unix.SYS_RECVMSG, unix.SYS_SENDMSG, unix.SYS_ACCEPT4, unix.SYS_CONNECT,
		unix.SYS_FLOCK, unix.SYS_FSYNC, unix.SYS_IOCTL:
	default:
		return 0
	}
	if fd, known := firstArgument(b); known && fd <= MaxDescriptor {
		return fd
	}
	return 0
}
