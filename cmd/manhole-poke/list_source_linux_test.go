package main

import (
	"regexp"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// TestListSource shows the lines of a running program's source with what its
// profile has of them.
func TestListSource(t *testing.T) {
	g := holder(t)
	r := poketest.Run(t, "", g.PID, "pprof", "goroutine", "-list", "main.main$")
	if r.Status != exit.OK || !regexp.MustCompile(`(?m)^goroutine: \d+ in all\n\nmain\.main in /.*/main\.go\n(?s).* +1 +\d+: 	.*\n`).MatchString(r.Stdout) {
		t.Errorf("%+v", r)
	}
	r = poketest.Run(t, "", g.PID, "pprof goroutine -list main.main$")
	lazytest.Wants(t, r.Stdout+r.Stderr, "goroutine: ")
	r = poketest.Run(t, "", g.PID, "pprof goroutine -list nosuch")
	r.Fails(t, exit.Command, "no function in the profile matches nosuch")
	r = poketest.Run(t, "", g.PID, "pprof goroutine -list (")
	r.Fails(t, exit.Command, "-list: error parsing regexp")
	r = poketest.Run(t, "", g.PID, "pprof goroutine -top -list main")
	r.Fails(t, exit.Command, "-top and -list are two ways")
	r = poketest.Run(t, "", g.PID, "pprof goroutine -list")
	r.Fails(t, exit.Command, "-list needs the name of a function")

	s, wait := poketest.AtTerminal(t, g.PID, "pprof goroutine -list main.main$")
	s.Until(t, "main.main in /")
	if st := wait(); st != exit.OK {
		t.Errorf("exit status %d", st)
	}
	g.Unharmed(t)
}
