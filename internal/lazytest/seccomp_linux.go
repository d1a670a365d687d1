package lazytest

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What becomes of a system call, for Forbid.
const (
	Refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	Kill   = unix.SECCOMP_RET_KILL_PROCESS
)

// Forbid installs a seccomp filter in all threads, for good, and for the processes
// that this one starts.
func Forbid(call, fate uint32) error {
	const load, jump, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	filter := []unix.SockFilter{
		{Code: load, K: 0}, // the number, seccomp_data.nr
		{Code: jump, Jf: 1, K: call},
		{Code: ret, K: fate},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread() // no_new_privs is the thread's until the filter syncs it
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return errno
	}
	return nil
}
