package lazy_test

import (
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// Arm refuses a signal that can't arrive.
func TestSignalCannotArrive(t *testing.T) {
	t.Parallel()
	if tg := launch(t, nil, "-ignore-all"); !strings.Contains(tg.First, "ignored") {
		t.Errorf("with all signals ignored: %q", tg.First)
	}
	if idleGoroutines != 0 {
		return // os/signal unblocks what it is asked for
	}
	env := lazytest.Tool(t, "env")
	if tg := launch(t, []string{env, "--block-signal=USR2"}); !strings.Contains(tg.First, "SIGUSR2 is blocked in every thread") {
		t.Errorf("with the signal blocked: %q", tg.First)
	}
	tg := launch(t, []string{env, "--block-signal=USR2"}, "-notify", "before").ready()
	lazytest.Wants(t, tg.Script("version\n"), "go1.")
}
