//go:build amd64 || arm64

package sighandler

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/go-manhole/lazy/internal/signame"
	"golang.org/x/sys/unix"
)

// sigaction is the kernel's struct, as in runtime/defs_linux_amd64.go and
// defs_linux_arm64.go.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	sigDFL = 0
	sigIGN = 1
)

// rtSigaction is rt_sigaction(2); set and old may be nil.
func rtSigaction(sig syscall.Signal, set, old *sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(set.mask), 0, 0)
	if errno != 0 {
		return fmt.Errorf("rt_sigaction %s: %w", signame.Name(sig), errno)
	}
	return nil
}

// CheckOwner returns an error unless the Go runtime handles the signal.
func CheckOwner(sig syscall.Signal) error {
	_, err := runtimeAction(sig)
	return err
}

// runtimeAction returns the action for sig, and an error unless that is the Go
// runtime's. The runtime is the only one whose handler is Go code: it installs
// sigtramp or, in programs with cgo, cgoSigtramp (setsig in
// runtime/os_linux.go).
func runtimeAction(sig syscall.Signal) (now sigaction, err error) {
	if err := rtSigaction(sig, nil, &now); err != nil {
		return now, err
	}
	name := signame.Name(sig)
	switch now.handler {
	case sigIGN:
		return now, fmt.Errorf("%s is ignored, by signal.Ignore or C code; call signal.Notify for it first, or choose another with WithSignal", name)
	case sigDFL:
		return now, fmt.Errorf("%s is not handled by the Go runtime, as in a Go library within a C program; call signal.Notify for it first and keep that until Disarm, or choose another with WithSignal", name)
	}
	if runtime.FuncForPC(now.handler) == nil {
		return now, fmt.Errorf("%s has a handler that is not the Go runtime's, most likely of C code in this process; choose another signal with WithSignal", name)
	}
	return now, nil
}
