package ringtag

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// siginfo is siginfo_t of the kernel for SI_QUEUE, where pointers have 64 bits
// (include/uapi/asm-generic/siginfo.h).
type siginfo struct {
	signo, errno, code, _ int32
	pid                   int32
	uid                   uint32
	value                 uint64
	_                     [128 - 32]byte
}

const siQueue = -1

// Send sends a tagged signal to the process that pidfd refers to, or if pidfd is
// negative, to pid. The errors are those of pidfd_send_signal(2) and
// rt_sigqueueinfo(2); ENOSYS where neither exists or is permitted.
func Send(pidfd, pid int, sig syscall.Signal) error {
	info := newSiginfo(sig, Value)
	if pidfd >= 0 {
		err := unix.PidfdSendSignal(pidfd, sig, (*unix.Siginfo)(unsafe.Pointer(&info)), 0)
		if err != unix.ENOSYS {
			return err
		}
	}
	_, _, errno := unix.Syscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(pid), uintptr(sig), uintptr(unsafe.Pointer(&info)))
	if errno != 0 {
		return errno
	}
	return nil
}

func newSiginfo(sig syscall.Signal, value uint64) siginfo {
	return siginfo{signo: int32(sig), code: siQueue, pid: int32(os.Getpid()), uid: uint32(os.Getuid()), value: value}
}

// AskForCopy asks the process for a copy that has the registers of its thread
// tid. The errors are those of rt_tgsigqueueinfo(2).
func AskForCopy(pid, tid int, sig syscall.Signal) error {
	info := newSiginfo(sig, Copy)
	_, _, errno := unix.Syscall6(unix.SYS_RT_TGSIGQUEUEINFO, uintptr(pid), uintptr(tid), uintptr(sig), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
