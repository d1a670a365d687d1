//go:build linux || darwin || freebsd

package main

import (
	"syscall"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/complete"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/internal/signame"
)

// signalCandidates returns the signals that programs are likely armed for.
func signalCandidates() (all []complete.Candidate) {
	for _, sig := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGIO} {
		all = append(all, complete.Candidate{Word: signame.ForKill(sig)})
	}
	return all
}

// reachable returns the processes that may be armed.
func reachable() []process.Info {
	all, _ := process.Reachable() // a completion cannot report an error
	return all
}
