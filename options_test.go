//go:build linux || darwin || freebsd

package lazy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// WithCheck narrows the rule, WithReadOnly the commands, WithSignal the ring.
func TestOptions(t *testing.T) {
	t.Parallel()
	tg := startTarget(t, "-deny", "not on my watch")
	if got := tg.Script("version\n"); got != "lazy: refused: not on my watch\n" {
		t.Errorf("got %q", got)
	}
	tg.Logged("peer refused")
	if _, err := os.Lstat(tg.Path); err != nil {
		t.Error("a refused peer used up the session:", err)
	}

	tg = startTarget(t, "-readonly")
	got := tg.Script("gc\necho x\nversion\n")
	lazytest.Wants(t, got, "lazy: error: gc", "lazy: error: echo", "go1.")
}

// A check that misbehaves refuses the peer, and the next one is asked again.
func TestBadCheck(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]string{
		"panic":  "panicked: on purpose",
		"goexit": "runtime.Goexit",
		"hang":   "did not return within 2s",
		"nilerr": "panicked",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			tg := startTarget(t, "-check", how)
			got := tg.Script("version\n")
			if !strings.HasPrefix(got, "lazy: refused: ") || !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
				t.Errorf("got %q", got)
			}
			lazytest.Wants(t, lazytest.Rest(t, tg.Dial()), "lazy: refused: ")
		})
	}
}

// A logger that misbehaves breaks neither the program nor the next session.
func TestBadLogger(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"panic", "goexit", "hang"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			tg := startTarget(t, "-logger", how)
			for range 3 {
				lazytest.Wants(t, tg.Script("panic\nversion\n"), "on purpose", "go1.")
				tg.Gone()
			}
			if got := tg.Ask("disarm"); got != "<nil>" {
				t.Error(got)
			}
		})
	}
}
