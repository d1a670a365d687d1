//go:build (amd64 || arm64) && !lazy_ossignal

package lazy_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/copynote"
	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/go-manhole/lazy/internal/ringtag"
	"golang.org/x/sys/unix"
)

func init() { roles["wedged"] = wedgedMain }

// wedgedMain is armed, and then its scheduler is dead: one goroutine does not let
// go of its thread, and a collection of garbage waits for it.
func wedgedMain() {
	if err := lazy.Arm(); err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println("ready")
	wedge := make(chan int)
	go func() { <-wedge; runtime.GC() }()
	wedge <- spinForever(1)
}

//go:noinline
func spinForever(n int) int {
	fmt.Printf("%#x\n", spinningPC())
	for i := 0; ; i += n {
		n ^= i
		if i == 0 && n == 0 {
			return i
		}
	}
}

// spinningPC returns an address in its caller.
func spinningPC() uintptr {
	pc, _, _, _ := runtime.Caller(1)
	return pc
}

// copyOf asks a thread of a process for a copy, and returns its PID and its system
// call once it sleeps. It asks now and then: while an earlier copy ends, there is
// none.
func copyOf(t *testing.T, pid, tid int) (copied int, calls []string) {
	t.Helper()
	tries := 0
	lazytest.Eventually(t, "there is a copy", func() bool {
		if tries++; tries%100 == 1 {
			if err := ringtag.AskForCopy(pid, tid, unix.SIGUSR2); err != nil {
				t.Skip(err)
			}
		}
		tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		for _, task := range tasks {
			children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
			for _, child := range strings.Fields(string(children)) {
				comm, _ := os.ReadFile("/proc/" + child + "/comm")
				call, _ := os.ReadFile("/proc/" + child + "/syscall")
				if calls = strings.Fields(string(call)); string(comm) == copynote.Name+"\n" && len(calls) == 9 {
					copied, _ = strconv.Atoi(child)
					return true
				}
			}
		}
		return false
	})
	return copied, calls
}

// busiest returns the thread that has used the most CPU, in clock ticks.
func busiest(t *testing.T, pid int) (tid int, most int64) {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/stat", pid, task.Name()))
		_, after, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(after); len(f) > 12 {
			if used, _ := strconv.ParseInt(f[11], 10, 64); used > most {
				most = used
				tid, _ = strconv.Atoi(task.Name())
			}
		}
	}
	return tid, most
}

// TestLastResort has the handler of a wedged process make a copy, and reads there
// where the thread was.
func TestLastResort(t *testing.T) {
	lazytest.SkipEmulated(t, "it makes no such copies")
	cmd := lazytest.Command(lazytest.Exe(t))
	cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1")
	p := lazytest.Launch(t, "wedged", cmd).Ready()
	within, err := strconv.ParseUint(p.Line(), 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	var tid int
	lazytest.Eventually(t, "it spins", func() bool {
		var ticks int64
		tid, ticks = busiest(t, p.PID)
		return ticks > 20
	})
	for range 2 {
		copied, calls := copyOf(t, p.PID, tid)
		tag, _ := strconv.ParseUint(calls[5], 0, 64)
		ucontext, _ := strconv.ParseInt(calls[6], 0, 64)
		if tag != ringtag.Copy {
			t.Fatalf("%v", calls)
		}
		mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", copied))
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 512)
		_, err = mem.ReadAt(b, ucontext)
		mem.Close()
		if err != nil {
			t.Fatal(err)
		}
		// defs_linux_*.go of the runtime
		pc := binary.NativeEndian.Uint64(b[map[string]int{"amd64": 168, "arm64": 440}[runtime.GOARCH]:])
		if pc < within-100 || pc > within+500 {
			t.Errorf("at %#x, not near %#x", pc, within)
		}
		if err := unix.Kill(copied, unix.SIGKILL); err != nil {
			t.Error(err)
		}
		// While it ends there can be no other.
		lazytest.Eventually(t, "it has ended", func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", copied))
			return err != nil || bytes.Contains(stat, []byte(") Z "))
		})
	}
	_, before := busiest(t, p.PID)
	lazytest.Eventually(t, "the program runs on", func() bool {
		_, ticks := busiest(t, p.PID)
		return ticks > before
	})
}

// TestLastResortAlive does the same with a process that is well, twice: it waits
// for the copy and says that there was one.
func TestLastResortAlive(t *testing.T) {
	lazytest.SkipEmulated(t, "it makes no such copies")
	tg := startTarget(t, "-spin", "3", "-notify", "after")
	before := tg.Footprint()
	for range 2 {
		copied, _ := copyOf(t, tg.PID, tg.PID)
		unix.Kill(copied, unix.SIGKILL)
		lazytest.Eventually(t, "the copy is gone", func() bool { return !lazytest.Exists(fmt.Sprint("/proc/", copied)) })
	}
	lazytest.Wants(t, tg.Log.String(), "the signal handler was asked for a frozen copy")
	if got := tg.Ask("notified"); got != "0" {
		t.Errorf("the program was notified %s times", got)
	}
	tg.Settles(before)
	copied, _ := copyOf(t, tg.PID, tg.PID)
	tg.Ask("disarm")
	if lazytest.Exists(fmt.Sprint("/proc/", copied)) {
		t.Error("the copy is there after Disarm")
	}
	ro := startTarget(t, "-readonly")
	if err := ringtag.AskForCopy(ro.PID, ro.PID, unix.SIGUSR2); err != nil {
		t.Error(err)
	}
	ro.Ring()
	lazytest.Wants(t, ro.Script("version\n"), "go1.")
	if children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", ro.PID)); err == nil && len(children) > 0 {
		t.Errorf("a copy of a process that is only observed: %s", children)
	}
}
