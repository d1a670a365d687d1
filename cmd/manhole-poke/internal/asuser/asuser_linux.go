// Package asuser runs a function with the effective user and group IDs of
// another user, on one thread, so that the rest of the process keeps its own.
// Root needs this where the kernel's rules favour a process's own user:
// /proc/PID without CAP_SYS_PTRACE (ptrace(2), access mode checking), and
// SO_PEERCRED, which records the connecting thread's IDs.
package asuser

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// ErrIDs is the error for IDs that this thread cannot take on, for want of
// capabilities or because they are not mapped in this user namespace.
var ErrIDs = errors.New("cannot take on another user's IDs")

// TakeOn changes the effective IDs of the calling thread, which must end
// afterwards: call it within [OnThread]. It makes the system calls itself,
// because syscall.Setresuid changes all threads. The real and saved IDs stay,
// so that the other user can neither signal nor trace this process.
func TakeOn(uid, gid int) error {
	const unchanged = ^uintptr(0)
	if err := unix.Setgroups(nil); err != nil { // of this thread only
		return fmt.Errorf("%w: %w", ErrIDs, err)
	}
	if _, _, errno := unix.RawSyscall(sysSetresgid, unchanged, uintptr(gid), unchanged); errno != 0 {
		return fmt.Errorf("%w: %w", ErrIDs, errno)
	}
	if _, _, errno := unix.RawSyscall(sysSetresuid, unchanged, uintptr(uid), unchanged); errno != 0 {
		return fmt.Errorf("%w: %w", ErrIDs, errno)
	}
	return nil
}

// OnThread calls f on a thread that ends when f returns, with whatever f
// changed about it, and waits for that: a goroutine that ends without
// runtime.UnlockOSThread takes its thread along. Only the process's first
// thread would survive, which is also what /proc/self shows, so f does not run
// on it.
func OnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			OnThread(f) // while this goroutine occupies the first one
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}
