package lazy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/armednote"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// What Arm adds to a process: two descriptors that say what they are, and with
// os/signal its goroutines.
func TestNothingIdle(t *testing.T) {
	for _, godebug := range []string{"", "asyncpreemptoff=1", "asynctimerchan=1", "gctrace=1,madvdontneed=1"} {
		t.Run("GODEBUG="+godebug, func(t *testing.T) {
			if strings.HasPrefix(godebug, "asynctimerchan") && !strings.HasPrefix(runtime.Version(), "go1.26") {
				t.Skip("the setting is gone since Go 1.27, which refuses to start with it")
			}
			t.Setenv("GODEBUG", godebug)
			testNothingIdle(t)
		})
	}
}

func testNothingIdle(t *testing.T) {
	plain, armed := startTarget(t, "-early", "-design", "nothing"), startTarget(t, "-early")
	p, a := plain.Footprint(), armed.resting() // without a tick that is under way
	t.Logf("unarmed: %+v", p)
	t.Logf("armed:   %+v", a)
	if got := a.Goroutines - p.Goroutines; got != idleGoroutines {
		t.Errorf("%d goroutines added, want %d\n%s", got, idleGoroutines, armed.Ask("stacks"))
	}
	// The runtime starts threads as it likes, so one run says little; but
	// none of them may be ours. os/signal's goroutine has a thread.
	for range 20 {
		if a.Threads <= p.Threads+idleGoroutines {
			break
		}
		p.Threads = max(p.Threads, startTarget(t, "-early", "-design", "nothing").Footprint().Threads)
		a.Threads = min(a.Threads, startTarget(t, "-early").Footprint().Threads)
	}
	if a.Threads > p.Threads+idleGoroutines {
		t.Errorf("threads: unarmed at most %d, armed at least %d", p.Threads, a.Threads)
	}
	if got := len(a.Descriptors) - len(p.Descriptors); got != 2 {
		t.Errorf("%d descriptors added, want 2:\n%q\n%q", got, p.Descriptors, a.Descriptors)
	}
	if len(a.Sockets) != 0 {
		t.Errorf("bound sockets: %q", a.Sockets)
	}
	if _, err := os.Lstat(armed.Path); err == nil {
		t.Errorf("%s exists before the ring", armed.Path)
	}
	if lazytest.Emulated() {
		return // its own descriptors are not the target's
	}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", armed.PID))
	for _, l := range links {
		what, _ := os.Readlink(l)
		if !strings.HasPrefix(what, "/memfd:lazy-armed SIGUSR2 "+armed.Path) {
			continue
		}
		b, err := os.ReadFile(l)
		want := armednote.Note{PID: armed.PID, Signal: 12, Path: armed.Path, Tagged: idleGoroutines == 0, Copies: idleGoroutines == 0}
		if note, bad := armednote.Parse(b); err != nil || bad != nil || note != want || !strings.Contains(string(b), "\nsignal=SIGUSR2\n") {
			t.Errorf("the memfd says %q, %v, %v; want %+v", b, err, bad, want)
		}
		return
	}
	t.Errorf("no memfd says that the process is armed: %q", a.Descriptors)
}
