//go:build linux || darwin || freebsd

package main

import (
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
)

func TestSignalFlag(t *testing.T) {
	for s, want := range map[string]syscall.Signal{"": 0, "USR2": syscall.SIGUSR2, "SIGUSR2": syscall.SIGUSR2, "sigusr2": syscall.SIGUSR2, "usr2": syscall.SIGUSR2, "40": 40} {
		if ro, err := (options{signal: s}).ring(); ro.Signal != want || err != nil {
			t.Errorf("%s: %v, %v", s, ro.Signal, err)
		}
	}
	for _, s := range []string{"0", "-1", "65", "SIG", "SIGSIGUSR2", "USR3", "KILL", "STOP", "19x"} {
		if ro, err := (options{signal: s}).ring(); exit.StatusOf(err) != exit.Usage || exit.ReasonOf(err) != "bad-signal" {
			t.Errorf("%q: %v, %v", s, ro.Signal, err)
		}
	}
}
