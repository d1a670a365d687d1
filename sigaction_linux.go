//go:build linux && (amd64 || arm64)

package lazy

import (
	"fmt"
	"runtime"
	"unsafe"

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

func getSigaction(sig unix.Signal, sa *sigaction) error {
	return rtSigaction(sig, nil, sa)
}

func rtSigaction(sig unix.Signal, set, old *sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(set.mask), 0, 0)
	if errno != 0 {
		return fmt.Errorf("rt_sigaction %s: %w", signalName(sig), errno)
	}
	return nil
}

// runtimeOwned returns how sig is handled now, and an error unless that is by
// the Go runtime, which is the only one whose handler is Go code: it installs
// sigtramp or, in programs with cgo, cgoSigtramp (setsig in
// runtime/os_linux.go).
func runtimeOwned(sig unix.Signal) (now sigaction, err error) {
	if err := getSigaction(sig, &now); err != nil {
		return now, err
	}
	name := signalName(sig)
	switch now.handler {
	case sigIGN:
		return now, fmt.Errorf("%s is ignored, by signal.Ignore or C code; call signal.Notify for it first, or choose another with WithSignal", name)
	case sigDFL:
		return now, fmt.Errorf("%s is not handled by the Go runtime, as in a Go library within a C program; call signal.Notify for it first and keep that until Disarm, or choose another with WithSignal", name)
	}
	if runtime.FuncForPC(now.handler) == nil {
		return now, fmt.Errorf("%s is handled by somebody else, most likely C code in this process; choose another with WithSignal", name)
	}
	return now, nil
}
