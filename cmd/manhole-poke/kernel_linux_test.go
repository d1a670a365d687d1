package main

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/cgroup"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// startHeld starts a target that only a signal can end.
func startHeld(t *testing.T, role string) *poketest.Target {
	t.Helper()
	g := poketest.Start(t, role)
	t.Cleanup(func() { g.Cmd.Process.Kill() }) // before the one that waits for it
	return g
}

// A world that cannot be stopped: no goroutine runs, and the view says which
// thread blocks that.
func TestKernelHeld(t *testing.T) {
	for _, c := range []struct {
		role  string
		words []string
	}{
		{"looping", []string{`(?m)^1 +running`, `Thread \d+ is trying to stop the world`, `Thread \d+ is in a loop and cannot be preempted, because GODEBUG has asyncpreemptoff=1`, `Thread \d+ is at \S+/poketest\.spin \(\S+/held_linux\.go:\d+\)`, `(?m)^\d+: \S+poketest\.spin \(\S+:\d+\) < \S+poketest\.playHeld \(`, `kill -QUIT`}},
		{"in a raw call", []string{`read\(\d+\)`, `pipe_read`, `Thread \d+ is trying to stop the world`, `Thread \d+ blocks it: read\(\d+\) was called without notice to the runtime`, `Thread \d+ is at \S+/poketest\.playHeld \(\S+/held_linux\.go:\d+\)`}},
		{"forking", []string{`(?m)^1 +uninterruptible .* clone `, `Thread \d+ is trying to stop the world`, `Thread \d+ blocks it: clone, probably for a forked child to call exec`, `Thread \d+ is at \S+/poketest\.playHeld \(\S+/held_linux\.go:\d+\)`}},
	} {
		t.Run(c.role, func(t *testing.T) {
			if c.role == "looping" {
				t.Setenv("GODEBUG", "asyncpreemptoff=1")
			}
			g := startHeld(t, c.role)
			// The world is not held from the start, and where others use the
			// CPUs it does not show every time.
			holds(t, g.PID)
			var r poketest.Result
			lazytest.Eventually(t, "the view shows what holds the world", func() bool {
				r = poketest.Run(t, "", "-t", "300ms", g.PID, "stats")
				return r.Lacks(c.words...) == ""
			})
			// The error agrees with the view.
			r.Fails(t, exit.Timeout, g.PID, "within 300ms", "a longer -t does not help")
		})
	}
}

func holds(t *testing.T, pid string) {
	t.Helper()
	lazytest.Eventually(t, "a thread is trying to stop the world", func() bool {
		return strings.Contains(poketest.Run(t, "", "kernel", pid).Stdout, "is trying to stop the world")
	})
}

// startProgram builds a program of testdata and starts it.
func startProgram(t *testing.T, name string) (pid string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "poke-"+name)
	if err := lazytest.Build(path, filepath.Join("testdata", name)); err != nil {
		t.Skip(err) // as without a C compiler
	}
	return poketest.StartOther(t, path)
}

// The culprit is named with file and line, and nothing is left of the look at
// it.
func TestKernelNamesTheCulprit(t *testing.T) {
	for _, c := range []struct {
		program string
		words   []string
	}{
		{"assembly", []string{`Thread \d+ is trying to stop the world`, `blocks it: a loop in assembly`, `Thread \d+ is at main\.forever \(\S+/forever_\w+\.s:\d+\)`, `< main\.work \(main\.go:`}},
		{"cgo", []string{`(?m)^\d+: runtime\.cgocall .*< main\.waitInC \(\S+/main\.go:\d+\)`, `(?m)^\d+: runtime\.cgocall .*< main\.spinInC \(\S+/main\.go:\d+\)`, `Thread \d+ is at main\.spinInC`}},
	} {
		t.Run(c.program, func(t *testing.T) {
			if c.program == "cgo" && runtime.GOARCH != "amd64" {
				t.Skip("callers of C are found on amd64 only")
			}
			pid := startProgram(t, c.program)
			lazytest.Eventually(t, "the view names the culprit", func() bool {
				return poketest.Run(t, "", "kernel", pid).Lacks(c.words...) == ""
			})
			status, err := os.ReadFile("/proc/" + pid + "/status")
			if err != nil || !strings.Contains(string(status), "TracerPid:\t0\n") || strings.ContainsRune("tT", rune(poketest.StateOf(t, pid))) {
				t.Errorf("%s, %v", status, err)
			}
		})
	}
}

// The stacks of all goroutines of a program whose world cannot be stopped. It is
// let go, whatever happens to manhole-poke.
func TestKernelStacks(t *testing.T) {
	pid := startProgram(t, "assembly")
	holds(t, pid)
	free := func() {
		t.Helper()
		lazytest.Eventually(t, "it is free", func() bool {
			status, err := os.ReadFile("/proc/" + pid + "/status")
			return err == nil && strings.Contains(string(status), "TracerPid:\t0\n") && !strings.ContainsRune("tT", rune(poketest.StateOf(t, pid)))
		})
	}
	// The runtime signals the thread again and again. Where it is stopped at the
	// first instruction of the handler, its stack ends there.
	lazytest.Eventually(t, "the stack of the loop is seen", func() bool {
		r := poketest.Run(t, "", "kernel", "--stacks", pid)
		p := r.Lacks(`(?m)in main\.forever$`, `(?m)in main\.main\.func1$`)
		if r.Status != exit.OK || !strings.Contains(r.Stderr, "stood still for ") || p != "" && r.Lacks(`in runtime\.(cgoS|s)igtramp`) != "" {
			t.Fatalf("%+v lacks %q", r, p)
		}
		free()
		return p == ""
	})
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGKILL} {
		cmd := poketest.Command(t, nil, "kernel", "--stacks", pid)
		said, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		bufio.NewReader(said).ReadString('\n') // that it stands still
		cmd.Process.Signal(sig)
		cmd.Wait()
		free()
	}
	poketest.Run(t, "", "kernel", "--restricted", "--stacks", pid).Fails(t, exit.Denied, "--stacks")
}

func TestKernelInOtherWays(t *testing.T) {
	g := startHeld(t, "in a raw call")
	holds(t, g.PID)
	r := poketest.Finish(t, poketest.Command(t, nil, "-t", "300ms", g.PID))
	r.Fails(t, exit.Timeout, "within 300ms")
	r.ShowsKernel(t, g.PID)
	// With --json there is no view.
	r = poketest.Run(t, "", "-t", "300ms", "--json", g.PID, "stats")
	if r.Status != exit.Timeout || strings.Count(r.Stdout, "\n") != 1 || strings.Contains(r.Stdout, "kernel knows") {
		t.Errorf("%+v", r)
	}
	s, wait := poketest.AtTerminal(t, "-t", "300ms", g.PID)
	s.Until(t, "What the kernel knows of process "+g.PID)
	s.Until(t, "within 300ms")
	if st := wait(); st != exit.Timeout {
		t.Errorf("exit status %d", st)
	}
}

// A process that does not even open its socket.
func TestKernelOfTheDeaf(t *testing.T) {
	g := poketest.Start(t, "deaf")
	r := poketest.Run(t, "", "-t", "200ms", g.PID, "stats")
	r.Fails(t, exit.Timeout, "did not open "+g.Path)
	r.ShowsKernel(t, g.PID)
}

func TestKernel(t *testing.T) {
	g := poketest.Start(t, "lazy")
	lazytest.Eventually(t, "it rests", func() bool {
		r := poketest.Run(t, "", "kernel", g.PID)
		return r.Status == exit.OK && r.Stderr == "" && regexp.MustCompile(`Thread \d+ waits in read\(0\)(, others for network and timers|; nothing else)`).MatchString(r.Stdout)
	})
	poketest.Run(t, "", "kernel", g.PID).ShowsKernel(t, `THREADS +STATE +CPU +USED +SYSTEM CALL +WAITS IN +NAME +TID`, `sleeping`, `futex`, `\b`+g.PID+`\b`)

	g.Cmd.Process.Signal(syscall.SIGSTOP)
	lazytest.Eventually(t, "it stopped", func() bool { return poketest.StateOf(t, g.PID) == 'T' })
	poketest.Run(t, "", "kernel", g.PID).ShowsKernel(t, `stopped`, `It is stopped by a signal and does nothing until kill -CONT `+g.PID)
	g.Cmd.Process.Signal(syscall.SIGCONT)
	poketest.Run(t, "", g.PID, "echo", "again").Succeeds(t, "again\n")

	burning := startHeld(t, "burning")
	lazytest.Eventually(t, "it burns", func() bool {
		return poketest.Run(t, "", "kernel", burning.PID).Lacks(`running`, `all the CPU that it may use|for a CPU that others use`) == ""
	})

	sleep := poketest.StartOther(t, "sleep", "1000")
	poketest.Run(t, "", "kernel", sleep).ShowsKernel(t, `1 thread,`, `clock_nanosleep|nanosleep`, `All of its threads sleep\.`)
}

func TestKernelOfOthers(t *testing.T) {
	g := poketest.Start(t, "lazy")
	r := poketest.AsNobody(t, "", "kernel", g.PID)
	if r.Status != exit.OK || r.Stderr != "" {
		t.Errorf("%+v", r)
	}
	r.ShowsKernel(t, `sleeping +\d+ % .* \? +\? `, `uid 65534 may not see system calls and wait channels; try as root`, `hidden|sleep`)
}

// Root without CAP_SYS_PTRACE sees what the process's user sees.
func TestKernelInContainer(t *testing.T) {
	g := poketest.StartCopy(t, "lazy", lazytest.CopyExe(t, "poke-test-kernel"), 65534)
	r := poketest.Lacking(t, "-sys_ptrace", "kernel", "poke-test-kernel")
	r.ShowsKernel(t, g.PID, `futex|epoll`)
	if strings.Contains(r.Stdout, "?") {
		t.Errorf("%+v", r)
	}
}

func TestKernelFails(t *testing.T) {
	poketest.Run(t, "", "kernel").Fails(t, exit.Usage, "one PID")
	poketest.Run(t, "", "kernel", "1", "2").Fails(t, exit.Usage, "one PID")
	poketest.Run(t, "", "kernel", "no-such-name").Fails(t, exit.NotFound, "no-such-name")
	poketest.Run(t, "", "kernel", "0").Fails(t, exit.NotFound, "no process 0")
	poketest.Run(t, "", "kernel", "4999999").Fails(t, exit.NotFound, "no process 4999999")
	g := poketest.Start(t, "armed")
	threads, err := os.ReadDir("/proc/" + g.PID + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if thread.Name() != g.PID {
			poketest.Run(t, "", "kernel", thread.Name()).Fails(t, exit.NotFound, "thread of process "+g.PID)
			break
		}
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		cmd := poketest.Command(t, nil, "kernel", g.PID)
		cmd.Stdout = full
		poketest.Finish(t, cmd).Fails(t, exit.LocalIO, "cannot write")
	}
}

func TestKernelOfZombie(t *testing.T) {
	pid := poketest.StartZombie(t)
	poketest.Run(t, "", "kernel", pid).ShowsKernel(t, "zombie", "It has exited")
}

// newCgroup makes a cgroup that has the file, which shows that it can do what the
// test is about, and moves the target into it.
func newCgroup(t *testing.T, g *poketest.Target, file string, mounts ...string) (dir string) {
	t.Helper()
	for _, m := range mounts {
		dir := filepath.Join("/sys/fs/cgroup", m, "manhole-poke-test-"+g.PID)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, file)); err != nil {
			os.Remove(dir)
			continue
		}
		t.Cleanup(func() {
			// It is busy until the kernel has finished the exit of the target.
			lazytest.Eventually(t, dir+" is empty", func() bool { return os.Remove(dir) == nil })
		})
		t.Cleanup(func() {
			g.Cmd.Process.Kill()
			g.Cmd.Wait()
		})
		mustWrite(t, dir+"/cgroup.procs", g.PID)
		return dir
	}
	t.Skipf("no cgroup with %s can be made here, in %q", file, mounts)
	return ""
}

func mustWrite(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0); err != nil {
		t.Fatal(err)
	}
}

func TestFrozen(t *testing.T) {
	for _, c := range []struct{ version, file, freeze, thaw, mount string }{
		{"1", "freezer.state", "FROZEN", "THAWED", "freezer"},
		{"2", "cgroup.freeze", "1", "0", "unified"},
		{"2 alone", "cgroup.freeze", "1", "0", "."},
	} {
		t.Run(c.version, func(t *testing.T) {
			g := poketest.Start(t, "lazy")
			dir := newCgroup(t, g, c.file, c.mount)
			mustWrite(t, filepath.Join(dir, c.file), c.freeze)
			t.Cleanup(func() { os.WriteFile(filepath.Join(dir, c.file), []byte(c.thaw), 0) })
			lazytest.Eventually(t, "it is frozen", func() bool { return cgroup.Of(poketest.Atoi(t, g.PID)).Frozen() == dir })
			poketest.Run(t, "a\n", g.PID).Fails(t, exit.Timeout, g.PID, "frozen", "echo "+c.thaw+" >"+dir+"/"+c.file)
			poketest.Run(t, "", "kernel", g.PID).ShowsKernel(t, "It is frozen with its cgroup", "echo "+c.thaw+" >"+dir)
			mustWrite(t, filepath.Join(dir, c.file), c.thaw)
			poketest.Run(t, "", g.PID, "echo", "thawed").Succeeds(t, "thawed\n")
		})
	}
}

func TestThrottled(t *testing.T) {
	g := startHeld(t, "burning")
	dir := newCgroup(t, g, "cpu.cfs_quota_us", "cpu", "cpu,cpuacct")
	mustWrite(t, dir+"/cpu.cfs_quota_us", "5000")
	lazytest.Eventually(t, "it is throttled", func() bool {
		return strings.Contains(poketest.Run(t, "", "kernel", g.PID).Stdout, "the quota was used up in ")
	})
	poketest.Run(t, "", "kernel", g.PID).ShowsKernel(t, `in \d+ of \d+ periods \(`+dir+`/cpu\.stat\)`)
}
