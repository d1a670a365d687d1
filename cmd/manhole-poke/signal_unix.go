//go:build unix

package main

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// parseSignal takes USR2, SIGUSR2, sigusr2 or a number.
func parseSignal(s string) (syscall.Signal, error) {
	n, err := strconv.Atoi(s)
	sig := syscall.Signal(n)
	if err != nil {
		name := strings.ToUpper(s)
		if !strings.HasPrefix(name, "SIG") {
			name = "SIG" + name
		}
		sig = unix.SignalNum(name)
	}
	switch {
	case sig < 1 || sig > 64:
		return 0, failf(statusUsage, "%q is not a signal; try a name like USR2 or a number from 1 to 64", s)
	case sig == unix.SIGKILL || sig == unix.SIGSTOP:
		return 0, failf(statusUsage, "no process can catch %s; try the signal that it is armed for", signalName(sig))
	}
	return sig, nil
}

// signalName is the name, or for the real-time ones, which have none that
// all agree on, the number.
func signalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return "signal " + strconv.Itoa(int(sig))
}
