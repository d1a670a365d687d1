package lazy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A footprint is what a process has, counted from outside where that is
// possible.
type footprint struct {
	Goroutines, Threads int
	Descriptors         []string
	Sockets             []string // bound unix sockets
}

func (tg *target) footprint() footprint {
	tg.t.Helper()
	f := footprint{Goroutines: tg.askInt("goroutines")}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tg.pid))
	if err != nil {
		tg.t.Fatal(err)
	}
	fmt.Sscan(regexp.MustCompile(`Threads:\s+(\d+)`).FindStringSubmatch(string(status))[1], &f.Threads)
	inode := map[string]bool{}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", tg.pid))
	for _, l := range links {
		what, _ := os.Readlink(l)
		if i, ok := strings.CutPrefix(what, "socket:["); ok {
			inode[strings.TrimSuffix(i, "]")] = true
			what = "socket"
		}
		f.Descriptors = append(f.Descriptors, what)
	}
	slices.Sort(f.Descriptors)
	table, _ := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(table)) {
		if w := strings.Fields(line); len(w) >= 8 && inode[w[6]] {
			f.Sockets = append(f.Sockets, w[7])
		}
	}
	return f
}

// resting is the footprint once the last session is over for the target too,
// which is after the peer reads its end. With os/signal the doorbell's own
// goroutine ends it, so that goroutines alone tell nothing.
func (tg *target) resting() (f footprint) {
	tg.t.Helper()
	eventually(tg.t, "the last session is over", func() bool {
		f = tg.footprint()
		return f.Goroutines == 1+idleGoroutines && len(f.Sockets) == 0
	})
	return f
}

// settles waits until the target has what it had before, and not one thing
// more. The runtime starts threads as it likes and never ends them, so their
// number is only bounded, far below one for each of a thousand sessions.
func (tg *target) settles(before footprint) {
	tg.t.Helper()
	var now footprint
	same := func() bool {
		now = tg.footprint()
		return now.Goroutines == before.Goroutines && slices.Equal(now.Descriptors, before.Descriptors) && len(now.Sockets) == 0
	}
	// A goroutine that has done all its work still counts while its thread
	// waits for a CPU to let it end on.
	for end := time.Now().Add(patience); !same(); time.Sleep(2 * time.Millisecond) {
		if time.Now().Before(end) {
			continue
		}
		tg.t.Errorf("before: %+v\nafter:  %+v\n%s", before, now, tg.ask("stacks"))
		break
	}
	if now.Threads > before.Threads+16 {
		tg.t.Errorf("threads: %d before, %d after", before.Threads, now.Threads)
	}
}

// What Arm adds to a process: two descriptors that say what they are, and with
// os/signal its goroutines.
func TestNothingIdle(t *testing.T) {
	for _, godebug := range []string{"", "asyncpreemptoff=1", "asynctimerchan=1", "gctrace=1,madvdontneed=1"} {
		t.Run("GODEBUG="+godebug, func(t *testing.T) {
			t.Setenv("GODEBUG", godebug)
			testNothingIdle(t)
		})
	}
}

func testNothingIdle(t *testing.T) {
	plain, armed := startTarget(t, "-early", "-design", "nothing"), startTarget(t, "-early")
	p, a := plain.footprint(), armed.footprint()
	t.Logf("unarmed: %+v", p)
	t.Logf("armed:   %+v", a)
	if got := a.Goroutines - p.Goroutines; got != idleGoroutines {
		t.Errorf("%d goroutines added, want %d\n%s", got, idleGoroutines, armed.ask("stacks"))
	}
	// The runtime starts threads as it likes, so one run says little; but
	// none of them may be ours. os/signal's goroutine has one of its own.
	for range 20 {
		if a.Threads <= p.Threads+idleGoroutines {
			break
		}
		p.Threads = max(p.Threads, startTarget(t, "-early", "-design", "nothing").footprint().Threads)
		a.Threads = min(a.Threads, startTarget(t, "-early").footprint().Threads)
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
	if _, err := os.Lstat(armed.path); err == nil {
		t.Errorf("%s exists before the ring", armed.path)
	}
	if os.Getenv(emulatorEnv) != "" {
		return // its own descriptors are not the target's
	}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", armed.pid))
	for _, l := range links {
		what, _ := os.Readlink(l)
		if !strings.HasPrefix(what, "/memfd:lazy-armed SIGUSR2 "+armed.path) {
			continue
		}
		b, err := os.ReadFile(l)
		want := fmt.Sprintf("lazy=1\npid=%d\nsignal=SIGUSR2\nsigno=12\npath=%s\n", armed.pid, armed.path)
		if err != nil || string(b) != want {
			t.Errorf("the memfd says %q, %v; want %q", b, err, want)
		}
		return
	}
	t.Errorf("no memfd says that the process is armed: %q", a.Descriptors)
}
