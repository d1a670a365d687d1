//go:build linux && (amd64 || arm64)

package lazy

import (
	"fmt"
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

func setSigaction(sig unix.Signal, sa *sigaction) error {
	return rtSigaction(sig, sa, nil)
}

func rtSigaction(sig unix.Signal, set, old *sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(set.mask), 0, 0)
	if errno != 0 {
		return fmt.Errorf("rt_sigaction %s: %w", signalName(sig), errno)
	}
	return nil
}

// runtimeOwned returns how sig is handled now, and an error unless that is by
// the Go runtime. The runtime installs one handler for all signals. SIGURG is the one
// to compare with: the runtime preempts goroutines with it and so has it even
// in C programs (sigInstallGoHandler in runtime/signal_unix.go).
func runtimeOwned(sig unix.Signal) (now sigaction, err error) {
	var runtimes sigaction
	if err := getSigaction(unix.SIGURG, &runtimes); err != nil {
		return now, err
	}
	if err := getSigaction(sig, &now); err != nil {
		return now, err
	}
	name := signalName(sig)
	switch now.handler {
	case runtimes.handler:
		return now, nil
	case sigIGN:
		return now, fmt.Errorf("%s is ignored, by signal.Ignore or C code; call signal.Notify for it first, or choose another with WithSignal", name)
	case sigDFL:
		return now, fmt.Errorf("%s is not handled by the Go runtime, as in a Go library within a C program; call signal.Notify for it first, or choose another with WithSignal", name)
	default:
		return now, fmt.Errorf("%s is handled by somebody else, most likely C code in this process; choose another with WithSignal", name)
	}
}
