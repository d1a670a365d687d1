package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/cgroup"
)

// startHeld starts a target that only a signal can end.
func startHeld(t *testing.T, role string) *target {
	t.Helper()
	g := start(t, role)
	t.Cleanup(func() { g.cmd.Process.Kill() }) // before the one that waits for it
	return g
}

// shows asserts a view with all of the words in it.
func (r result) shows(t *testing.T, words ...string) {
	t.Helper()
	if !strings.HasPrefix(r.stdout, "What the kernel knows of process ") || !strings.HasSuffix(r.stdout, ".\n") {
		t.Errorf("not a view: %q", r.stdout)
	}
	if w := r.showsAll(words); w != "" {
		t.Errorf("%q is missing in\n%s", w, r.stdout)
	}
}

// showsAll is the first of the words that is missing.
func (r result) showsAll(words []string) string {
	for _, w := range words {
		if !regexp.MustCompile(w).MatchString(r.stdout) {
			return w
		}
	}
	return ""
}

// A world that cannot be stopped: no goroutine runs, and poke says which thread
// it is.
func TestKernelHeld(t *testing.T) {
	for _, c := range []struct {
		role  string
		words []string
	}{
		{"looping", []string{`(?m)^1 +running`, `Thread \d+ wants to stop the world`, `Thread \d+ is in a loop and does not let go, because GODEBUG has asyncpreemptoff=1`, `kill -QUIT`}},
		{"in a raw call", []string{`read\(\d+\)`, `pipe_read`, `Thread \d+ wants to stop the world`, `Thread \d+ does not let go: read\(\d+\) was called without telling the runtime`}},
		{"forking", []string{`(?m)^1 +uninterruptible .* clone `, `Thread \d+ wants to stop the world`, `Thread \d+ does not let go: clone, probably for a forked child to call exec`}},
	} {
		t.Run(c.role, func(t *testing.T) {
			if c.role == "looping" {
				t.Setenv("GODEBUG", "asyncpreemptoff=1")
			}
			g := startHeld(t, c.role)
			// The world is not held from the start, and where others use the
			// CPUs it is not to be seen every time.
			holds(t, g)
			var r result
			until(t, "it is to be seen that the world is held", func() bool {
				r = pokeWith(t, "", "-t", "300ms", g.pid, "stats")
				return r.showsAll(c.words) == ""
			})
			r.fails(t, statusTimeout, g.pid, "within 300ms", "-t")
		})
	}
}

func holds(t *testing.T, g *target) {
	t.Helper()
	until(t, "a thread wants to stop the world", func() bool {
		return strings.Contains(pokeWith(t, "", "kernel", g.pid).stdout, "wants to stop the world")
	})
}

func TestKernelInOtherWays(t *testing.T) {
	g := startHeld(t, "in a raw call")
	holds(t, g)
	r := finish(t, pokeCommand(t, nil, "-t", "300ms", g.pid))
	r.fails(t, statusTimeout, "within 300ms")
	r.shows(t, g.pid)
	// For programs, the line is enough.
	r = pokeWith(t, "", "-t", "300ms", "--json", g.pid, "stats")
	if r.status != statusTimeout || strings.Count(r.stdout, "\n") != 1 || strings.Contains(r.stdout, "kernel knows") {
		t.Errorf("%+v", r)
	}
	s, wait := atTerminal(t, "-t", "300ms", g.pid)
	s.until(t, "What the kernel knows of process "+g.pid)
	s.until(t, "within 300ms")
	if st := wait(); st != statusTimeout {
		t.Errorf("exit status %d", st)
	}
}

// What does not even open its socket.
func TestKernelOfTheDeaf(t *testing.T) {
	g := start(t, "deaf")
	r := pokeWith(t, "", "-t", "200ms", g.pid, "stats")
	r.fails(t, statusTimeout, "did not open "+g.path)
	r.shows(t, g.pid)
}

func TestKernel(t *testing.T) {
	g := start(t, "lazy")
	until(t, "it rests", func() bool {
		r := pokeWith(t, "", "kernel", g.pid)
		return r.status == statusOK && r.stderr == "" && regexp.MustCompile(`Thread \d+ waits in read\(0\)(, others for network and timers|; nothing else)`).MatchString(r.stdout)
	})
	pokeWith(t, "", "kernel", g.pid).shows(t, `THREADS +STATE +CPU +USED +SYSTEM CALL +WAITS IN +NAME +TID`, `sleeping`, `futex`, `\b`+g.pid+`\b`)

	g.cmd.Process.Signal(syscall.SIGSTOP)
	until(t, "it stopped", func() bool { return stateOf(t, g.pid) == 'T' })
	pokeWith(t, "", "kernel", g.pid).shows(t, `stopped`, `It is stopped by a signal and does nothing until kill -CONT `+g.pid)
	g.cmd.Process.Signal(syscall.SIGCONT)
	pokeWith(t, "", g.pid, "echo", "again").succeeds(t, "again\n")

	burning := startHeld(t, "burning")
	until(t, "it burns", func() bool {
		return pokeWith(t, "", "kernel", burning.pid).showsAll([]string{`running`, `all the CPU that it may use|for a CPU that others use`}) == ""
	})

	sleep := startOther(t, "sleep", "1000")
	pokeWith(t, "", "kernel", sleep).shows(t, `1 thread,`, `clock_nanosleep|nanosleep`, `All of it sleeps\.`)
}

func TestKernelOfOthers(t *testing.T) {
	g := start(t, "lazy")
	r := asNobody(t, "", "kernel", g.pid)
	if r.status != statusOK || r.stderr != "" {
		t.Errorf("%+v", r)
	}
	r.shows(t, `sleeping +\d+ % .* \? +\? `, `not for uid 65534 to see; try as root`, `hidden|sleeps`)
}

// Root without CAP_SYS_PTRACE sees what the process's user sees.
func TestKernelInContainer(t *testing.T) {
	g := startCopy(t, "lazy", copied(t, "poke-test-kernel"), 65534)
	r := lacking(t, "-sys_ptrace", "kernel", "poke-test-kernel")
	r.shows(t, g.pid, `futex|epoll`)
	if strings.Contains(r.stdout, "?") {
		t.Errorf("%+v", r)
	}
}

func TestKernelFails(t *testing.T) {
	pokeWith(t, "", "kernel").fails(t, statusUsage, "one PID")
	pokeWith(t, "", "kernel", "1", "2").fails(t, statusUsage, "one PID")
	pokeWith(t, "", "kernel", "no-such-name").fails(t, statusNoProcess, "no-such-name")
	pokeWith(t, "", "kernel", "0").fails(t, statusNoProcess, "no process 0")
	pokeWith(t, "", "kernel", "4999999").fails(t, statusNoProcess, "no process 4999999")
	g := start(t, "armed")
	threads, err := os.ReadDir("/proc/" + g.pid + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if thread.Name() != g.pid {
			pokeWith(t, "", "kernel", thread.Name()).fails(t, statusNoProcess, "thread of process "+g.pid)
			break
		}
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		cmd := pokeCommand(t, nil, "kernel", g.pid)
		cmd.Stdout = full
		finish(t, cmd).fails(t, statusHere, "cannot write")
	}
}

func TestKernelOfZombie(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer cmd.Wait()
	pid := strconv.Itoa(cmd.Process.Pid)
	until(t, "it died", func() bool { return stateOf(t, pid) == 'Z' })
	pokeWith(t, "", "kernel", pid).shows(t, "zombie", "It is dead")
}

// newCgroup makes one of which the file tells that it can do what the test is
// about, and puts the target in it.
func newCgroup(t *testing.T, g *target, file string, mounts ...string) (dir string) {
	t.Helper()
	for _, m := range mounts {
		dir := filepath.Join("/sys/fs/cgroup", m, "manhole-poke-test-"+g.pid)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, file)); err != nil {
			os.Remove(dir)
			continue
		}
		t.Cleanup(func() {
			// It is busy until the kernel has seen to the end of the target.
			until(t, dir+" is empty", func() bool { return os.Remove(dir) == nil })
		})
		t.Cleanup(func() {
			g.cmd.Process.Kill()
			g.cmd.Wait()
		})
		mustWrite(t, dir+"/cgroup.procs", g.pid)
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
			g := start(t, "lazy")
			dir := newCgroup(t, g, c.file, c.mount)
			mustWrite(t, filepath.Join(dir, c.file), c.freeze)
			t.Cleanup(func() { os.WriteFile(filepath.Join(dir, c.file), []byte(c.thaw), 0) })
			until(t, "it is frozen", func() bool { return cgroup.Of(mustAtoi(t, g.pid)).Frozen() == dir })
			pokeWith(t, "a\n", g.pid).fails(t, statusStopped, g.pid, "frozen", "echo "+c.thaw+" >"+dir+"/"+c.file)
			pokeWith(t, "", "kernel", g.pid).shows(t, "It is frozen with its cgroup", "echo "+c.thaw+" >"+dir)
			mustWrite(t, filepath.Join(dir, c.file), c.thaw)
			pokeWith(t, "", g.pid, "echo", "thawed").succeeds(t, "thawed\n")
		})
	}
}

func TestThrottled(t *testing.T) {
	g := startHeld(t, "burning")
	dir := newCgroup(t, g, "cpu.cfs_quota_us", "cpu", "cpu,cpuacct")
	mustWrite(t, dir+"/cpu.cfs_quota_us", "5000")
	until(t, "it is throttled", func() bool {
		return strings.Contains(pokeWith(t, "", "kernel", g.pid).stdout, "the quota was used up in ")
	})
	pokeWith(t, "", "kernel", g.pid).shows(t, `in \d+ of \d+ periods \(`+dir+`/cpu\.stat\)`)
}
