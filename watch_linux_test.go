package lazy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// TestWatch watches metrics, variables and goroutines of another process with nc.
func TestWatch(t *testing.T) {
	lazytest.Tool(t, "nc")
	tg := startTarget(t, "-park", "50", "-gc")
	ask := func(line string) string {
		t.Helper()
		script := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(script, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := tg.Shell(lazytest.RingAndWait("/tmp/manhole-$PID") + "nc -N -U /tmp/manhole-$PID <" + script)
		if err != nil {
			t.Fatal(err)
		}
		tg.Gone()
		return got
	}
	for line, want := range map[string]string{
		"watch -match targetMain -state 'chan receive' 0.05 2": `^time +matching +change +of +took\n\S+ +50 +\+0 +5\d +\S+s\n\S+ +50 +\+0 +5\d +\S+s\n$`,
		"watch cycles/total memstats.NumGC 0.05 2":             `^time +\S+/s +memstats.NumGC +/s\n(\S+ +\S+ +\d+ +\S+\n){2}$`,
		"watch 0.05 1": `^time +goroutines +heap +next GC +alloc/s +GCs +CPU\n\S+ +5\d +`,
	} {
		if got := ask(line); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: not %s:\n%s", line, want, got)
		}
	}
	if got := ask("pprof goroutine 50ms -focus targetMain"); !strings.HasPrefix(got, "goroutine: ") || !strings.Contains(got, "the difference over ") {
		t.Error(got)
	}
}

// A process with more goroutines than a full capture takes is watched all the same.
func TestWatchManyGoroutines(t *testing.T) {
	tg := startTarget(t, "-park", "5000")
	if got := tg.Script("watch -match targetMain 0.01 1\n"); !regexp.MustCompile(`\n\S+ +50\d\d +\+0 +50\d\d +\S+s\n$`).MatchString(got) {
		t.Error(got)
	}
	tg.Gone()
	lazytest.Wants(t, tg.Script("watch -min-wait 5m 1 1\n"), "lazy: error: watch: ids and waits of 50", "stack full")
}
