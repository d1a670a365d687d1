//go:build linux || darwin || freebsd

package main

import (
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/internal/signame"
)

func TestParseSignal(t *testing.T) {
	for _, s := range []string{"USR2", "SIGUSR2", "sigusr2", "usr2"} {
		if sig, err := parseSignal(s); sig != syscall.SIGUSR2 || err != nil {
			t.Errorf("%s: %v, %v", s, sig, err)
		}
	}
	if sig, err := parseSignal("40"); sig != 40 || err != nil || signame.Name(sig) != "signal 40" {
		t.Errorf("40: %v, %v", sig, err)
	}
	for _, s := range []string{"", "0", "-1", "65", "SIG", "SIGSIGUSR2", "USR3", "KILL", "19x"} {
		if sig, err := parseSignal(s); exit.StatusOf(err) != exit.Usage {
			t.Errorf("%q: %v, %v", s, sig, err)
		}
	}
}
