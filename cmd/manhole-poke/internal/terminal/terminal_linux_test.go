package terminal

import (
	"strconv"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
)

// A terminal of no width, as a serial line or a container's may be.
func TestConsoleWithoutWidth(t *testing.T) {
	s, wait := poketest.AtTerminal(t, strconv.Itoa(startOdd(t).PID))
	s.Until(t, prompt)
	s.Type(t, "stats\n")
	s.Until(t, "goroutines")
	s.Until(t, prompt)
	s.Type(t, "nosuch\n")
	s.Until(t, "lazy: error: nosuch")
	s.Until(t, prompt)
	s.Type(t, "half a line\x03")
	s.Until(t, prompt)
	s.Type(t, "\x04")
	if st := wait(); st != exit.OK {
		t.Errorf("exit status %d", st)
	}
}

func TestTerminalSilent(t *testing.T) {
	g := poketest.Start(t, "silent")
	s, wait := poketest.AtTerminal(t, "-t", "200ms", g.PID)
	if st := wait(); st != exit.Timeout {
		t.Errorf("exit status %d", st)
	}
	s.Until(t, "said nothing within 200ms")
}

// Before there is a session, Ctrl-C leaves.
func TestTerminalLeftEarly(t *testing.T) {
	g := poketest.Start(t, "silent")
	s, wait := poketest.AtTerminal(t, g.PID)
	g.Expect(t, "rung")
	s.Type(t, "\x03")
	if st := wait(); st != exit.Signalled+exit.Status(syscall.SIGINT) {
		t.Errorf("exit status %d", st)
	}
	s.Until(t, "manhole-poke: left on SIGINT")
}
