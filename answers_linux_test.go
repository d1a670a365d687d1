package lazy_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// startAnswer builds a program of docs/answers and starts it.
func startAnswer(t *testing.T, name string) *target {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a program")
	}
	lazytest.SkipEmulated(t, "it takes too long")
	lazytest.Tool(t, "go")
	exe := filepath.Join(t.TempDir(), "answers-"+name)
	if err := lazytest.Build(exe, filepath.Join("docs/answers", name)); err != nil {
		t.Fatal(err)
	}
	tg := &target{lazytest.Launch(t, "", exec.Command(exe)), t}
	if tg.First != strconv.Itoa(tg.PID) {
		t.Fatalf("it says %q\n%s", tg.First, tg.Log)
	}
	return tg
}

// TestAnswers: one command over nc names what is wrong with each program, as
// docs/answers.md shows. The commands are those of that page.
func TestAnswers(t *testing.T) {
	deadlock := []string{`51  below a minute|51  \d+ minute`, `(?m)50 sync\.Mutex\.Lock in main\.report `, `main\.deposit `, `main\.withdraw `}
	if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" {
		deadlock = append(deadlock, `(?m)^likely deadlock of 2 goroutines:$`)
	}
	for _, c := range []struct {
		program, line string
		words         []string
	}{
		{"leak", "stack diff 2s", []string{`(?m)^\+\d+ (grown from \d+ to \d+|new): chan send\n +main\.printTicket .*\n +created by main\.sell `}},
		{"deadlock", "blocked", deadlock},
		{"hot", "pprof-cpu 2s -top", []string{`(?m)^cpu: .* in all$`, ` main\.spell\n`}},
		{"memory", "pprof-heap 2s -gc -top", []string{`(?m)^inuse_space: .*MB in all\n.*\n +\S.*  main\.newSession$`}},
	} {
		t.Run(c.program, func(t *testing.T) {
			tg := startAnswer(t, c.program)
			lazytest.Eventually(t, c.line+" names the culprit", func() bool {
				got := tg.nc(c.line)
				for _, want := range c.words {
					if !regexp.MustCompile(want).MatchString(got) {
						t.Logf("no %s in\n%s", want, got)
						return false
					}
				}
				return true
			})
		})
	}
	t.Run("stuck", func(t *testing.T) {
		tg := startAnswer(t, "stuck")
		addr, ok := strings.CutPrefix(tg.Line(), "stuck: ")
		if !ok {
			t.Fatal(addr)
		}
		// Whoever else was idle for so long on a slow machine comes after it.
		want := regexp.MustCompile(`^( .*, goroutine \d+ reads \(io\.Copy\)\n)? +\d+ rw \S+ \S+ -> ` + addr +
			` ESTABLISHED, idle \S+: received \S+ ago, nothing sent, goroutine \d+ reads \(main\.readQuestion\)\n`)
		got := ""
		defer func() { t.Logf("%s", got) }()
		lazytest.Eventually(t, "fds names the connection", func() bool {
			time.Sleep(200 * time.Millisecond)
			got = tg.nc("fds -idle 2s")
			return want.MatchString(got)
		})
	})
	t.Run("loop", func(t *testing.T) {
		poke := buildPoke(t)
		tg := startAnswer(t, "loop")
		lazytest.Eventually(t, "the view of the kernel names the loop", func() bool {
			out, err := exec.Command(poke, "kernel", strconv.Itoa(tg.PID)).CombinedOutput()
			if err == nil && strings.Contains(string(out), " is at main.count (") {
				return true
			}
			t.Logf("%v\n%s", err, out)
			return false
		})
	})
}
