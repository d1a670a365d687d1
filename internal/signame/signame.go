//go:build unix

// Package signame maps signals to names and back, for library and client.
package signame

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Max is the highest signal number that any supported system has.
const Max = 64

// Name returns the name of a signal with its prefix, "SIGUSR2". A real-time
// signal, for which systems do not agree on a name, is "signal 36".
func Name(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(sig))
}

// ForKill returns a signal as the argument of kill(1), "USR2" or "36".
func ForKill(sig syscall.Signal) string {
	if name, ok := strings.CutPrefix(unix.SignalName(sig), "SIG"); ok {
		return name
	}
	return strconv.Itoa(int(sig))
}

// Parse returns the signal of a name as kill(1) takes it: USR2, SIGUSR2, in
// any case, or a number from 1 to 64; on Linux also RTMIN, RTMIN+n, RTMAX and
// RTMAX-n, with the C library's idea of these (34 and 64, signal(7)).
func Parse(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 1 || n > Max {
			return 0, fmt.Errorf("%q is not a signal: numbers are from 1 to %d", s, Max)
		}
		return syscall.Signal(n), nil
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if sig := unix.SignalNum("SIG" + name); sig != 0 {
		return sig, nil
	}
	if sig, ok := realTime(name); ok {
		return sig, nil
	}
	return 0, fmt.Errorf("%q is not a signal; use a name such as USR2%s or a number from 1 to %d", s, realTimeExample, Max)
}
