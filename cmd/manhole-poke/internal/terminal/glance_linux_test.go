package terminal

import (
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// What a person sees first fits the screen, with manhole-poke on one of any size
// and with nc on the usual one. Whoever closes the input gets everything.
func TestGreetingFitsScreen(t *testing.T) {
	g := startOdd(t, "-varied", "400")
	w := startConsole(t, g)
	w.leaves(exit.OK, "C-d")
	for _, size := range [][2]string{{"80", "24"}, {"100", "50"}, {"60", "30"}} {
		w.Tmux("resize-window", "-x", size[0], "-y", size[1])
		w.poke(g)
		screen := w.Screen()
		lazytest.Wants(t, screen, "lazy: pid ", "\n#1: ", "lazy: stack shows them all\n"+strings.TrimSpace(prompt))
		if n := strings.Count(strings.TrimRight(screen, "\n"), "\n") + 1; n < 18 {
			t.Errorf("%v: only %d lines are used:\n%s", size, n, screen)
		}
		w.leaves(exit.OK, "C-d")
	}
	lazytest.Tool(t, "nc")
	w.Tmux("resize-window", "-x", "80", "-y", "24")
	pid := strconv.Itoa(g.PID)
	w.Enter("clear; PID=" + pid + "; " + lazytest.RingAndWait(g.Path) + "nc -U " + g.Path)
	w.Shows("lazy: stack shows them all\n" + strings.TrimSpace(prompt))
	lazytest.Wants(t, w.Screen(), "lazy: pid ", "\n#1: ")
	w.Type("exit", "Enter")
	w.Shows("\n$")
	w.Enter("clear; " + lazytest.RingAndWait(g.Path) + "nc -N -U " + g.Path + " </dev/null | grep -c '^#'; nc -h 2>&1 | grep -c -e -N")
	w.Shows("\n$")
	lazytest.Eventually(t, "all groups are there, or this nc has no -N", func() bool {
		lines := strings.Fields(w.Screen())
		for _, l := range lines {
			if n, _ := strconv.Atoi(l); n >= 40 {
				return true
			}
		}
		return strings.Contains(w.Screen(), "invalid option")
	})
}
