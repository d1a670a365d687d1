package terminal

import (
	"regexp"
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
	// The terminal has its new size a moment later.
	resize := func(columns, lines string) {
		t.Helper()
		w.Tmux("resize-window", "-x", columns, "-y", lines)
		w.Enter("clear; until test \"$(stty size)\" = '" + lines + " " + columns + "'; do sleep 0.02; done; clear; echo sized")
		w.Shows("sized\n$")
	}
	for _, size := range [][2]string{{"80", "24"}, {"100", "50"}, {"60", "30"}} {
		resize(size[0], size[1])
		w.poke(g)
		screen := w.Screen()
		lazytest.Wants(t, screen, "lazy: pid ", "\n#1: ", "lazy: stack shows them all\n"+strings.TrimSpace(prompt))
		if n := strings.Count(strings.TrimRight(screen, "\n"), "\n") + 1; n < 18 {
			t.Errorf("%v: only %d lines are used:\n%s", size, n, screen)
		}
		w.leaves(exit.OK, "C-d")
	}
	lazytest.Tool(t, "nc")
	resize("80", "24")
	pid := strconv.Itoa(g.PID)
	// What manhole-poke has left on the screen looks the same.
	w.Enter("clear; PID=" + pid)
	lazytest.Eventually(t, "the screen is clear", func() bool { return !strings.Contains(w.Screen(), "lazy: ") })
	w.Enter(lazytest.RingAndWait(g.Path) + "clear; nc -U " + g.Path)
	w.Shows("lazy: stack shows them all\n" + strings.TrimSpace(prompt))
	lazytest.Wants(t, w.Screen(), "lazy: pid ", "\n#1: ")
	w.Type("exit", "Enter")
	w.Shows("\n$")
	w.Enter(lazytest.RingAndWait(g.Path) + "nc -N -U " + g.Path + " </dev/null | grep -c '^#' | sed s/^/groups:/")
	lazytest.Eventually(t, "all groups are there, or this nc has no -N", func() bool {
		m := regexp.MustCompile(`groups:(\d+)`).FindStringSubmatch(w.Screen())
		if m == nil {
			return strings.Contains(w.Screen(), "invalid option")
		}
		n, _ := strconv.Atoi(m[1])
		return n >= 40
	})
}
