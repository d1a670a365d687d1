package ring

import (
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
)

// A file system that takes a request and never answers makes whoever asks wait
// for ever, and keep its process from ending even when it is killed.
func TestSilentFileSystem(t *testing.T) {
	g := poketest.StartOnFUSE(t, "with a silent file system")
	inside := "/proc/" + g.PID + "/root" + g.Path
	for _, args := range [][]string{{g.PID, "stats"}, {inside, "stats"}, {"-p", inside, g.PID}} {
		r := poketest.Run(t, "", append([]string{"-t", "500ms"}, args...)...)
		if r.Status != exit.Timeout || !strings.Contains(r.Stderr, "did not answer within") {
			t.Errorf("%q: %+v", args, r)
		}
	}
	g.Unharmed(t)
}

func TestNoteOnSilentFileSystem(t *testing.T) {
	g := poketest.StartOnFUSE(t, "with a note on a silent file system")
	poketest.Run(t, "", g.PID).Fails(t, exit.Timeout, "cannot look at the descriptors")
	g.Unharmed(t)
}
