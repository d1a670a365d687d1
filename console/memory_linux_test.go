package console_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	lazytest.Play(lazytest.Roles{"crowd": crowd, "hoard": hoard})
	os.Exit(m.Run())
}

// crowd is an armed program with 100,000 goroutines that wait, a dozen frames
// deep. The argument is what RLIMIT_AS leaves once they are there, in MiB.
func crowd() {
	if err := lazy.Arm(); err != nil {
		fmt.Println("error:", err)
		return
	}
	const n = 100_000
	for range n {
		go descend(12)
	}
	for runtime.NumGoroutine() < n {
		time.Sleep(time.Millisecond)
	}
	if len(os.Args) > 1 {
		// A thread that cannot be started ends a program, too. So here are
		// enough, which rest after this.
		var all sync.WaitGroup
		for range 30 {
			all.Go(func() { unix.Nanosleep(&unix.Timespec{Nsec: 200e6}, nil) })
		}
		all.Wait()
		left, _ := strconv.ParseUint(os.Args[1], 10, 20)
		statm, _ := os.ReadFile("/proc/self/statm")
		pages, _ := strconv.ParseUint(string(bytes.Fields(statm)[0]), 10, 52)
		limit := pages*uint64(os.Getpagesize()) + left<<20
		if err := unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			fmt.Println("error:", err)
			return
		}
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

//go:noinline
func descend(n int) {
	if n == 0 {
		select {}
	}
	descend(n - 1)
}

// memoryGroup makes a cgroup with that limit, of either version.
func memoryGroup(t *testing.T, limit int) (procs string) {
	t.Helper()
	name := "lazy-test-" + strconv.Itoa(os.Getpid())
	var whys []error
	for _, v := range []struct{ mount, file string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
		{"/sys/fs/cgroup", "memory.max"},
	} {
		dir := filepath.Join(v.mount, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			whys = append(whys, err)
			continue
		}
		t.Cleanup(func() {
			lazytest.Eventually(t, "the cgroup is gone", func() bool { return syscall.Rmdir(dir) == nil })
		})
		// No O_CREATE: where the controller is not there, neither is the file.
		f, err := os.OpenFile(filepath.Join(dir, v.file), os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString(strconv.Itoa(limit))
			f.Close()
		}
		if err == nil {
			return filepath.Join(dir, "cgroup.procs")
		}
		whys = append(whys, err)
	}
	t.Skipf("no memory cgroup can be made here: %v", errors.Join(whys...))
	return ""
}

// TestCgroupLeavesLittle: whatever is asked for, the process lives.
func TestCgroupLeavesLittle(t *testing.T) {
	if lazytest.Race {
		t.Skip("the race detector's memory counts too")
	}
	procs := memoryGroup(t, 20<<20)
	p := lazytest.Start(t, "crowd")
	// What it has stays charged to where it was, so all of the limit is left.
	if err := os.WriteFile(procs, []byte(strconv.Itoa(p.PID)), 0); err != nil {
		t.Skip(err)
	}
	askForEverything(t, p, " of cgroup /lazy-test-")
}

func TestAddressSpaceLeavesLittle(t *testing.T) {
	if lazytest.Race {
		t.Skip("the race detector's memory counts too")
	}
	if os.Getenv("LAZY_TEST_EMULATOR") != "" || lazytest.UnderRace() {
		t.Skip("the emulator and the race detector have an address space of their own")
	}
	askForEverything(t, lazytest.Start(t, "crowd", "40"), "(RLIMIT_AS)")
}

func askForEverything(t *testing.T, p *lazytest.Process, limit string) {
	t.Helper()
	p.Ring()
	c := p.Dial()
	greeting := lazytest.Until(t, c, lazytest.Prompt)
	for _, want := range []string{"goroutines: 10", "memory: heap ", "\ngoroutines: left out, because the stacks of 10", limit, "with: stack -force\n"} {
		if !strings.Contains(greeting, want) {
			t.Errorf("no %q in the greeting:\n%s", want, greeting)
		}
	}
	c.Close()
	p.Gone()

	for _, line := range []string{
		"stack", "stack full", "stack json", "stack full json -n 3", "stack diff",
		"pprof goroutine", "pprof goroutine -top",
	} {
		got := ask(t, p, line)
		name, _, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(got, "lazy: error: "+name+": the ") || !strings.Contains(got, limit) ||
			!strings.Contains(got, "anyway with: "+line+" -force\n") || !strings.Contains(got, "\ngo1.") {
			t.Errorf("%s: %.1000s", line, got)
		}
	}
	// These may fit or not.
	for _, line := range []string{
		"pprof heap", "pprof heap -top", "pprof allocs -top", "pprof mutex 10ms -top", "pprof block 10ms -top",
		"pprof threadcreate", "pprof goroutineleak", "pprof-cpu 10ms -top", "trace 100ms", "pprof",
		"memstats", "metrics", "fds", "env", "vars", "buildinfo", "godebug", "gc", "freemem",
	} {
		if got := ask(t, p, line); !strings.HasSuffix(got, runtime.Version()+"\n") {
			t.Errorf("%s: ...%s", line, got[max(0, len(got)-1000):])
		}
	}
	for _, line := range []string{"stack raw", "binary"} {
		if got := ask(t, p, line); !strings.HasSuffix(got, runtime.Version()+"\n") || len(got) < 64<<10 {
			t.Errorf("%s: %d bytes, ...%s", line, len(got), got[max(0, len(got)-1000):])
		}
	}
}

// ask asks for line, and for the version in the same session. A process that is
// killed ends the test.
func ask(t *testing.T, p *lazytest.Process, line string) string {
	t.Helper()
	got := p.Script(line + "\nversion\n")
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID)); err != nil || bytes.Contains(stat, []byte(") Z ")) {
		t.Fatalf("%s ended the process: %v", line, p.Wait())
	}
	return got
}
