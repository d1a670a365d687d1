package process

import (
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// What a process has many of takes some time, and is found.
func TestManyDescriptorsAndThreads(t *testing.T) {
	lazytest.NeedRoot(t)
	if lazytest.Race {
		t.Skip("the race detector has no room for so many threads")
	}
	for _, role := range []string{"with many descriptors", "with many threads"} {
		g := poketest.Start(t, role)
		poketest.Run(t, "", g.PID, "a").Succeeds(t, "you said a\n")
		if p := seen(t, g.PID); p == nil || p.Armed == nil || !*p.Armed {
			t.Errorf("%s: %+v", role, p)
		}
	}
}

// Nobody waits for a process that has a lease on its note.
func TestLeasedNote(t *testing.T) {
	g := poketest.Start(t, "with a leased note")
	poketest.Run(t, "", g.PID).Fails(t, exit.NotArmed, "not understood")
	if p := seen(t, g.PID); p == nil || p.Unanswered || p.Armed != nil {
		t.Errorf("%+v", p)
	}
	g.Unharmed(t)
}
