//go:build amd64 || arm64

package lazy_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// TestBlocked asks programs whose goroutines wait for each other what they wait for.
func TestBlocked(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	lazytest.SkipEmulated(t, "the emulator's process_vm_readv is another process's")
	goTool := lazytest.Tool(t, "go")
	bin := filepath.Join(t.TempDir(), "deadlock")
	if out, err := exec.Command(goTool, "build", "-o", bin, "./testdata/deadlock").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	deadlock := func(first, second, name string) []string {
		link := `    goroutine \d+ may hold Mutex 0x[0-9a-f]+` + name + ` \(its address is on the stack\), and waits for Mutex 0x[0-9a-f]+` + name + `\n`
		return []string{`likely deadlock of 2 goroutines:\n` + link + ` +main\.` + first + ` .*\n` + link + ` +main\.` + second + ` .*\n +Nobody got one of these locks`}
	}
	for _, c := range []struct {
		ways, command string
		want          []string // regular expressions
		deadlock      bool
	}{
		{"methods", "blocked", deadlock(`\(\*account\)\.transfer`, `\(\*account\)\.transfer`, ``), true},
		{"methods", "blocked json", []string{`^\{"blocked":1,.*"likely_deadlocks":\[\[\{"goroutine":\d+,"may_hold":"0x.*\}\]\],"objects":2\}\n\{"kind":"Mutex","addr":"0x[0-9a-f]+","waiters":1,.*"frame":\{"func":"main\.\(\*account\)\.transfer",.*"holders":\[\{"goroutine":`}, false},
		{"variables", "blocked", deadlock(`(order|restock)`, `(order|restock)`, ` main\.(orders|stock)`), true},
		{"senders", "blocked", []string{`(?m)^50 of \d+ goroutines wait for 1 object$`, `channel +0x[0-9a-f]+ +50 .*\n +50 chan send in main\.send `}, false},
		{"senders", "stack", []string{`: 50 chan send, .*\n    waits for channel 0x[0-9a-f]+\n +main\.send `}, false},
		{"readers", "blocked", []string{`RWMutex +0x[0-9a-f]+ +1 .*\n +1 sync\.RWMutex\.Lock in main\.write .*\n(    may be held by goroutine \d+, chan receive \(.*\)\n +main\.read .*\n){2}`}, false},
		{"readers", "stack", []string{`: 1 sync\.RWMutex\.Lock, .*\n    waits for RWMutex 0x[0-9a-f]+\n`}, false},
		{"group", "blocked", []string{`WaitGroup +0x[0-9a-f]+ +1 .*\n +1 sync\.WaitGroup\.Wait in main\.join .*\n    goroutine \d+, sleep, has it too `}, false},
		{"choose", "blocked", []string{`(channel +0x[0-9a-f]+ +1 .*\n +1 select in main\.choose .*\n.*\n){2}`}, false},
		{"busy", "blocked", []string{` goroutines wait for `}, false},
		{"methods senders", "blocked -match transfer -n 1", []string{`(?m)^2 of \d+ goroutines wait for 2 objects$`, `left out: 1 objects with fewer waiters`}, true},
	} {
		t.Run(c.ways+" "+c.command, func(t *testing.T) {
			tg := lazytest.Launch(t, "", exec.Command(bin, strings.Fields(c.ways)...)).Ready()
			got := tg.Script(c.command + "\n")
			for _, want := range c.want {
				if !regexp.MustCompile(want).MatchString(got) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
			if strings.Contains(got, "likely deadlock") != c.deadlock {
				t.Errorf("a deadlock should be there: %v\n%s", c.deadlock, got)
			}
		})
	}
}
