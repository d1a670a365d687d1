//go:build linux && (amd64 || arm64)

package lazy

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls with which a session looks at its sockets do not wait for
// anybody, so the scheduler is not told of them. It would take the processor of
// a goroutine that is in one when it stops the world, or when its time slice is
// over, and in a saturated process that goroutine then waits for seconds at the
// end of the global queue (exitsyscallNoP in runtime/proc.go).

func recv(fd int, p []byte, flags int) (int, error) {
	return raw(unix.SYS_RECVFROM, fd, unsafe.Pointer(unsafe.SliceData(p)), len(p), flags|unix.MSG_DONTWAIT)
}

func send(fd int, p []byte) (int, error) {
	return raw(unix.SYS_SENDTO, fd, unsafe.Pointer(unsafe.SliceData(p)), len(p), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
}

// accept4 is accept4(2) on a socket in non-blocking mode.
func accept4(fd int) (int, error) {
	return raw(unix.SYS_ACCEPT4, fd, nil, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}

// poll is poll(2) without waiting.
func poll(fd *unix.PollFd) (int, error) {
	var at unix.Timespec
	n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(fd)), 1, uintptr(unsafe.Pointer(&at)), 0, 0, 0)
	return result(n, errno)
}

func raw(call uintptr, fd int, p unsafe.Pointer, size, flags int) (int, error) {
	n, _, errno := syscall.RawSyscall6(call, uintptr(fd), uintptr(p), uintptr(size), uintptr(flags), 0, 0)
	return result(n, errno)
}

func result(n uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
