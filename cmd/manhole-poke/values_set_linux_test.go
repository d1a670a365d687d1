package main

import (
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

func TestSet(t *testing.T) {
	if lazytest.UnderRace() {
		t.Skip("Delve is ten times slower there, and what is concurrent is in TestPrint, too")
	}
	g := holder(t)
	for _, c := range []struct{ variable, value, shown string }{
		{"main.verbose", "true", "true"}, {"small", "-128", "-128"}, {"small", "0x7f", "127"}, {"large", "18446744073709551615", "18446744073709551615"},
		{"ratio", "-2.5e-3", "-0.0025"}, {"ratio", "NaN", "NaN"}, {"narrow", "3", "3"}, {"timeout", "1m30s", "1m30s (90000000000)"}, {"timeout", "2*timeout", "3m0s (180000000000)"},
		{"level", "8", "LevelError (8)"}, {"level", `"log/slog".LevelDebug`, "LevelDebug (-4)"}, {"large", "1<<40", "1099511627776"},
		{"options.debug", "true", "true"}, {"options.depth", "3", "3"}, {"count.v", "-1", "-1"}, {"array[1]", "9", "9"}, {"complete", "", ""},
	} {
		if c.value == "" {
			continue
		}
		r := poketest.Run(t, "", g.PID, "set", c.variable, c.value)
		shown := poketest.Run(t, "", g.PID, "print", c.variable)
		if r.Status != exit.OK || !strings.Contains(r.Stdout, " was ") || shown.Stdout != c.shown+"\n" {
			t.Errorf("set %s %s: %+v, %+v", c.variable, c.value, r, shown)
		}
	}
	for _, c := range []struct{ variable, value, why string }{
		{"small", "128", "128 does not fit into the type int8"}, {"small", "yes", "is not a value of type int8"}, {"verbose", "1", "the type untyped int and the variable has bool"},
		{"timeout", "30", "30 has no unit; try 30s"}, {"large", "-1", "the variable has"}, {"greeting", "x", "is a string, of two words"},
		{"ring", "nil", "garbage collector"}, {"sessions", "nil", "garbage collector"}, {"aShape", "nil", "garbage collector"}, {"pairs", "nil", "garbage collector"}, {"closure", "nil", "garbage collector"},
		{"complete", "1", "of several words"}, {"options", "1", "a field of it may be set"}, {"limit", "5", "is a constant"}, {"small + 1", "5", "is the result of a computation"},
		{"onHeap.debug", "true", "set: "}, {"nonsense", "1", "could not find symbol"}, {"main.main", "1", "set: "}, {"verbose", "", "a variable and a value are needed"},
	} {
		r := poketest.Run(t, "", g.PID, "set", c.variable, c.value)
		if r.Status != exit.Command || !strings.Contains(r.Stderr, c.why) {
			t.Errorf("set %s %s: %+v, want %s", c.variable, c.value, r, c.why)
		}
	}
	// Between two questions the copy is another one.
	if r := poketest.Run(t, "", "-c", "print small; set small 11; print small", g.PID); !strings.HasPrefix(r.Stdout, "127\n") || !strings.HasSuffix(r.Stdout, "\n11\n") {
		t.Errorf("%+v", r)
	}
	leavesNothing(t, g)
}
