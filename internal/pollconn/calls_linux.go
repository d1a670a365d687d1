//go:build amd64 || arm64

package pollconn

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of a session do not wait, so they are made without the
// scheduler's knowledge (RawSyscall). It would take the processor of a goroutine
// that is in one when it stops the world, or when its time slice is over, and in
// a saturated process that goroutine then waits for seconds at the end of the
// global queue (exitsyscallNoP in runtime/proc.go).

func recv(fd int, p []byte, flags int) (int, error) {
	return raw(unix.SYS_RECVFROM, fd, p, flags|unix.MSG_DONTWAIT)
}

func send(fd int, p []byte) (int, error) {
	return raw(unix.SYS_SENDTO, fd, p, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
}

// poll is poll(2) without waiting.
func poll(fd *unix.PollFd) (int, error) {
	var now unix.Timespec
	n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(fd)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	return result(n, errno)
}

func raw(call uintptr, fd int, p []byte, flags int) (int, error) {
	n, _, errno := syscall.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(flags), 0, 0)
	return result(n, errno)
}

func result(n uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// processCPU returns the CPU time that the process has used.
func processCPU() time.Duration {
	var ts unix.Timespec
	syscall.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_PROCESS_CPUTIME_ID, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

// fileOf returns what a descriptor refers to, or the zero value.
func fileOf(fd int) file {
	var st unix.Stat_t
	if _, _, errno := syscall.RawSyscall(unix.SYS_FSTAT, uintptr(fd), uintptr(unsafe.Pointer(&st)), 0); errno != 0 {
		return file{}
	}
	return file{uint64(st.Dev), st.Ino}
}
