package console_test

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// hoard is an armed program with as many descriptors as the hard limit allows, up
// to 100,000, and a large environment, which collects no garbage.
func hoard() {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	limit.Cur = limit.Max
	if err == nil {
		err = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	}
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	for range min(limit.Cur-100, 100_000) {
		if _, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0); err != nil {
			fmt.Println("error:", err)
			return
		}
	}
	value := strings.Repeat("value with a control character \x01 ", 1000)
	for i := range 100 {
		os.Setenv("HOARD"+strconv.Itoa(i), value)
	}
	debug.SetGCPercent(-1)
	if err := lazy.Arm(); err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

// TestHoard: what a list of everything allocates does not grow with what there
// is, or is not begun where it may not fit.
func TestHoard(t *testing.T) {
	if lazytest.Race {
		t.Skip("the race detector's memory counts too")
	}
	procs := memoryGroup(t, 20<<20)
	p := lazytest.Launch(t, "hoard", lazytest.Command(lazytest.Exe(t)))
	if p.First != "ready" {
		t.Skip(p.First)
	}
	if got := ask(t, p, "fds"); !strings.Contains(got, " open (") {
		t.Errorf("without a limit: ...%s", got[max(0, len(got)-200):])
	}
	if err := os.WriteFile(procs, []byte(strconv.Itoa(p.PID)), 0); err != nil {
		t.Skip(err)
	}
	const limit = " of cgroup /lazy-test-"
	for range 3 { // the garbage stays
		for line, want := range map[string]string{
			"fds": " open (", "fds nothing": " open (", "env": "\nHOARD99=\"value", "env nothing": "no variable matches",
			"metrics": "/gc/heap/live:bytes", "buildinfo": "path", "vars": "expvar", "godebug": "GODEBUG",
		} {
			if got := ask(t, p, line); !strings.Contains(got, want) && !strings.Contains(got, limit) || !strings.HasSuffix(got, runtime.Version()+"\n") {
				t.Errorf("%s: ...%s", line, got[max(0, len(got)-1000):])
			}
		}
	}
	if got := ask(t, p, "env"); !strings.Contains(got, "lazy: error: env: the environment needs about ") || !strings.Contains(got, "; try env NAME for one variable\n") {
		t.Errorf("%.1000s", got)
	}
}
