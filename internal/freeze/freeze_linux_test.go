//go:build amd64 || arm64

package freeze

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

func request() Request {
	return Request{For: time.Minute, Pause: func() { time.Sleep(time.Millisecond) }}
}

func TestTake(t *testing.T) {
	c, err := Take(request())
	if err != nil {
		t.Fatal(err)
	}
	defer c.End()
	t.Logf("%+v", c.Taken)
	read := func(name string) string {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.PID, name))
		if err != nil {
			t.Error(err)
		}
		return strings.TrimSpace(string(b))
	}
	if got := read("comm"); got != "lazy-frozen" {
		t.Errorf("comm is %s", got)
	}
	if got := read("oom_score_adj"); got != "1000" {
		t.Errorf("oom_score_adj is %s", got)
	}
	if fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.PID)); err != nil || len(fds) > 0 {
		t.Errorf("descriptors: %v, %v", fds, err)
	}
	if _, err := Take(request()); err != ErrTaken {
		t.Error(err)
	}
	if ended, why := c.Ended(); ended || c.Inexact != "" || c.Goroutines < 2 {
		t.Errorf("%+v, ended: %v %v", c.Taken, ended, why)
	}
	if n := runtime.GOMAXPROCS(0); n != runtime.NumCPU() {
		t.Errorf("GOMAXPROCS is %d", n)
	}
	c.End()
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", c.PID)); err == nil {
		t.Error("the copy is there after its end")
	}
}

// TestStops keeps the goroutines from stopping, as a collection of garbage does.
func TestStops(t *testing.T) {
	if runtime.GOMAXPROCS(0) == 1 {
		t.Skip("one processor: nothing to stop")
	}
	blocked := make(chan struct{})
	stopOthers = func() {
		<-blocked
		runtime.GOMAXPROCS(1)
	}
	defer func() { stopOthers = func() { runtime.GOMAXPROCS(1) } }()
	before := runtime.GOMAXPROCS(0)
	c, err := Take(request())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(c.Inexact, "did not stop") {
		t.Errorf("%+v", c.Taken)
	}
	close(blocked)
	<-c.keeper.restoring
	c.End()
	if n := runtime.GOMAXPROCS(0); n != before {
		t.Errorf("GOMAXPROCS was %d and is %d", before, n)
	}
}

// TestPreempted keeps the goroutine that has stopped the others from going on, as
// the scheduler does in a process with many goroutines that can run.
func TestPreempted(t *testing.T) {
	if runtime.GOMAXPROCS(0) == 1 {
		t.Skip("one processor: nothing to stop")
	}
	blocked := make(chan struct{})
	stopOthers = func() {
		runtime.GOMAXPROCS(1)
		<-blocked
	}
	defer func() { stopOthers = func() { runtime.GOMAXPROCS(1) } }()
	before := runtime.GOMAXPROCS(0)
	c, err := Take(request())
	if err != nil {
		t.Fatal(err)
	}
	if n := runtime.GOMAXPROCS(0); n != before || c.Inexact != "" || c.Stood <= 0 {
		t.Errorf("GOMAXPROCS was %d and is %d, %+v", before, n, c.Taken)
	}
	if ended, why := c.Ended(); ended {
		t.Error(why)
	}
	keeper := c.keeper
	c.End()
	// The other one is still at it.
	c, err = Take(request())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(c.Inexact, "an earlier copy") {
		t.Errorf("%+v", c.Taken)
	}
	c.End()
	close(blocked)
	<-keeper.restoring
	if n := runtime.GOMAXPROCS(0); n != before {
		t.Errorf("GOMAXPROCS was %d and is %d", before, n)
	}
	if c, err = Take(request()); err != nil || c.Inexact != "" {
		t.Errorf("%+v, %v", c, err)
	}
	c.End()
}

func TestManyCopies(t *testing.T) {
	copies := 1000
	if lazytest.UnderRace() || lazytest.Emulated() {
		copies = 100
	}
	p := lazytest.Start(t, "program")
	p.Ask("many 1") // starts threads
	before := p.Resting(1)
	if got := p.Ask(fmt.Sprint("many ", copies)); got != "done" {
		t.Error(got)
	}
	p.Settles(before)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", p.PID))
	if err == nil && len(children) > 0 {
		t.Errorf("children: %s", children)
	}
}

// TestEndsAlone checks that a copy ends with its process, however that ends, and
// after its time even if the process is stopped.
func TestEndsAlone(t *testing.T) {
	gone := func(pid string) {
		t.Helper()
		lazytest.Eventually(t, "the copy is gone", func() bool {
			stat, err := os.ReadFile("/proc/" + pid + "/stat")
			return err != nil || strings.Contains(string(stat), ") Z ")
		})
	}
	t.Run("process killed", func(t *testing.T) {
		p := lazytest.Start(t, "program")
		pid := p.Ask("take")
		unix.Kill(p.PID, unix.SIGKILL)
		gone(pid)
	})
	t.Run("process stopped", func(t *testing.T) {
		p := lazytest.Start(t, "program")
		pid := p.Ask("take 500")
		unix.Kill(p.PID, unix.SIGSTOP)
		gone(pid)
		unix.Kill(p.PID, unix.SIGCONT)
		p.Ask("end")
		if lazytest.Exists("/proc/" + pid) {
			t.Error("the copy was not waited for")
		}
	})
	t.Run("copy killed", func(t *testing.T) {
		p := lazytest.Start(t, "program")
		for range 2 {
			pid := p.Ask("take")
			n, _ := strconv.Atoi(pid)
			unix.Kill(n, unix.SIGKILL)
			gone(pid)
			p.Ask("end")
		}
	})
}

// TestTraced ends a copy that a debugger holds.
func TestTraced(t *testing.T) {
	lazytest.SkipEmulated(t, "it cannot trace")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := lazytest.Start(t, "program")
	pid, _ := strconv.Atoi(p.Ask("take"))
	if err := unix.PtraceSeize(pid); err != nil {
		t.Skip(err)
	}
	p.Ask("end")
	if got := p.Ask("take"); !strings.Contains(got, "a debugger still holds") {
		t.Error(got)
	}
	if _, err := unix.Wait4(pid, nil, unix.WALL, nil); err != nil {
		t.Error(err)
	}
	lazytest.Eventually(t, "the copy is reaped", func() bool {
		return !lazytest.Exists(fmt.Sprint("/proc/", pid))
	})
	lazytest.Eventually(t, "there is room for another copy", func() bool {
		got := p.Ask("take")
		return !strings.Contains(got, "error")
	})
	p.Ask("end")
}

// TestTracedProcess makes a copy of a process whose children a tracer follows, as
// strace -f does.
func TestTracedProcess(t *testing.T) {
	lazytest.SkipEmulated(t, "it cannot trace")
	p := lazytest.Start(t, "program")
	seized, done := make(chan error), make(chan struct{})
	var stop atomic.Bool
	var trace func()
	trace = func() {
		runtime.LockOSThread() // and ends with it, which ends the tracing
		if unix.Gettid() == unix.Getpid() {
			go trace() // the main thread would not end
			<-done
			runtime.UnlockOSThread()
			return
		}
		defer close(done)
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.PID))
		for _, task := range tasks {
			tid, _ := strconv.Atoi(task.Name())
			const follow = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK
			if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(tid), 0, follow, 0, 0); errno != 0 {
				err = errno
			}
		}
		for seized <- err; !stop.Load(); {
			var status unix.WaitStatus
			tid, err := unix.Wait4(-1, &status, unix.WNOHANG|unix.WALL|unix.WNOTHREAD, nil)
			if err != nil || tid <= 0 || !status.Stopped() {
				time.Sleep(time.Millisecond)
				continue
			}
			sig := uintptr(status.StopSignal())
			if sig == uintptr(unix.SIGTRAP) || sig == uintptr(unix.SIGSTOP) {
				sig = 0
			}
			unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_CONT, uintptr(tid), 0, sig, 0, 0)
		}
	}
	go trace()
	err := <-seized
	defer func() { <-done }()
	defer stop.Store(true)
	if err != nil {
		t.Skip(err)
	}
	pid, err := strconv.Atoi(p.Ask("take"))
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil || !bytes.Contains(status, []byte("TracerPid:\t0\n")) {
		t.Errorf("%s, %v", status, err)
	}
	p.Ask("end")
}

// TestMaxProcs checks that the runtime goes on to change GOMAXPROCS, and does not
// begin to.
func TestMaxProcs(t *testing.T) {
	if runtime.NumCPU() == 1 {
		t.Skip("needs two CPUs")
	}
	lazytest.SkipEmulated(t, "it has CPUs of its own")
	take := func(p *lazytest.Process) {
		t.Helper()
		if got := p.Ask("take"); strings.Contains(got, "error") {
			t.Error(got)
		}
		p.Ask("end")
	}
	t.Run("automatic", func(t *testing.T) {
		p := lazytest.Launch(t, "program", without("GOMAXPROCS", lazytest.Command(lazytest.Exe(t)))).Ready()
		take(p)
		if got := p.Ask("one-cpu"); got != "done" {
			t.Skip(got)
		}
		lazytest.Eventually(t, "the runtime notices that there is one CPU", func() bool { return p.Ask("maxprocs 0") == "1" })
	})
	for name, env := range map[string]string{"set by the program": "", "set in the environment": "GOMAXPROCS=5"} {
		t.Run(name, func(t *testing.T) {
			cmd := without("GOMAXPROCS", lazytest.Command(lazytest.Exe(t)))
			if env != "" {
				cmd.Env = append(cmd.Env, env)
			}
			p := lazytest.Launch(t, "program", cmd).Ready()
			if env == "" {
				p.Ask("maxprocs 5")
			}
			take(p)
			if got := p.Ask("maxprocs 0"); got != "5" {
				t.Errorf("GOMAXPROCS is %s", got)
			}
		})
	}
}

func without(name string, cmd *exec.Cmd) *exec.Cmd {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, name+"=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

func TestRefuses(t *testing.T) {
	lazytest.SkipEmulated(t, "it has limits of its own")
	p := lazytest.Start(t, "program")
	if got := p.Ask("undumpable"); got != "done" {
		t.Fatal(got)
	}
	lazytest.Wants(t, p.Ask("take"), "error: this process is not dumpable")

	as := lazytest.AsUser(t, 1_100_000+os.Getpid())
	limited := lazytest.Launch(t, "program", lazytest.Wrap(lazytest.Command(lazytest.CopyExe(t, "limited")), as...)).Ready()
	limited.Ask("nproc 1")
	lazytest.Wants(t, limited.Ask("take"), "error: the kernel gives this process no further thread or process")
}

// TestSanitizer runs the tests with AddressSanitizer, which reserves terabytes.
func TestSanitizer(t *testing.T) {
	lazytest.SkipEmulated(t, "there is none")
	if lazytest.UnderRace() || testing.Short() {
		t.Skip("once is enough")
	}
	lazytest.Tool(t, "gcc")
	out, err := exec.Command("go", "test", "-asan", "-count=1", "-run", "^(TestTake|TestCore|TestMaxProcs)$", ".").CombinedOutput()
	if bytes.Contains(out, []byte("-asan")) || bytes.Contains(out, []byte("asan is not")) {
		t.Skipf("%s", out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
