//go:build unix

package main

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalCandidates are those that a process may be armed for, other than the
// real-time ones, which have only numbers.
func signalCandidates() (all []candidate) {
	for n := syscall.Signal(1); n < 32; n++ {
		switch n {
		case unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGIO:
			all = append(all, candidate{strings.TrimPrefix(unix.SignalName(n), "SIG"), ""})
		}
	}
	return all
}

// reachable are the processes that may be armed, as far as that can be seen.
func reachable() []goProcess {
	all, err := goProcesses()
	if err != nil {
		return nil // as in goPIDs
	}
	return keep(all, func(p *goProcess) bool { return p.mayBeArmed() && ringable(p.PID) })
}
