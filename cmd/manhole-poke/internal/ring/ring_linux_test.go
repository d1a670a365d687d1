package ring

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { poketest.Main(m, nil) }

func TestDefaultPath(t *testing.T) {
	g := poketest.StartAt(t, "armed", "")
	poketest.Run(t, "a\n", g.PID).Succeeds(t, "you said a\n")
}

func TestWithoutNote(t *testing.T) {
	g := poketest.Start(t, "without a note")
	poketest.Run(t, "a\n", g.PID).Fails(t, exit.NotArmed, g.PID, "does not look armed", "-s USR2")
	g.Unharmed(t)
	poketest.Run(t, "a\n", "-s", "12", "-p", g.Path, g.PID).Succeeds(t, "you said a\n")
}

func TestPath(t *testing.T) {
	g := poketest.StartAt(t, "armed", "")
	// Nobody listens, but the process advertises the path, whatever the name of
	// its directory here.
	dir := t.TempDir()
	if err := os.Symlink("/tmp", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	name := "/" + filepath.Base(g.Path)
	for _, path := range []string{g.Path, dir + "/link" + name, "/proc/" + g.PID + "/root/tmp" + name, "/tmp/." + name} {
		poketest.Run(t, "a\n", path).Succeeds(t, "you said a\n")
		g.Expect(t, "rung")
		poketest.Run(t, "", path, "b").Succeeds(t, "you said b\n")
		g.Expect(t, "rung")
	}
	for _, path := range []string{dir + name, dir + "/none" + name, dir + "/link/none" + name} {
		poketest.Run(t, "a\n", path).Fails(t, exit.NotFound, "does not advertise that path")
		g.Unharmed(t)
	}
	// The process listens already, so it gets no signal.
	lazytest.Eventually(t, "the door is closed", func() bool { _, err := os.Lstat(g.Path); return err != nil })
	g.Cmd.Process.Signal(syscall.SIGUSR2)
	g.Expect(t, "rung")
	lazytest.Eventually(t, "the door is open", func() bool { _, err := os.Lstat(g.Path); return err == nil })
	poketest.Run(t, "b\n", g.Path).Succeeds(t, "you said b\n")
	g.Unharmed(t)
}

func TestNoProcess(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Skip(err)
	}
	pid := strconv.Itoa(cmd.Process.Pid)
	poketest.Run(t, "", pid).Fails(t, exit.NotFound, "no process "+pid, "list the Go processes")
}

func TestThread(t *testing.T) {
	g := poketest.Start(t, "armed")
	threads, err := os.ReadDir("/proc/" + g.PID + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if thread.Name() != g.PID {
			poketest.Run(t, "", thread.Name()).Fails(t, exit.NotFound, "thread of process "+g.PID)
			return
		}
	}
	t.Skip("the target has one thread only")
}

func TestUncaught(t *testing.T) {
	pid := poketest.StartOther(t, "sleep", "1000")
	poketest.Run(t, "", pid).Fails(t, exit.NotArmed, pid+" (sleep)", "not a Go program")
	poketest.Run(t, "", "-s", "USR2", pid).Fails(t, exit.NotArmed, pid+" (sleep)", "would die of it")
	if s := poketest.StateOf(t, pid); s == 'Z' {
		t.Error("it died of it")
	}
}

func TestIgnoring(t *testing.T) {
	g := poketest.Start(t, "ignoring")
	poketest.Run(t, "", g.PID).Fails(t, exit.NotArmed, g.PID, "ignores SIGUSR2")
}

func TestUnarmed(t *testing.T) {
	for _, role := range []string{"unarmed", "with another's note"} {
		g := poketest.Start(t, role)
		poketest.Run(t, "", g.PID).Fails(t, exit.NotArmed, g.PID, "lazy.Arm")
		g.Unharmed(t)
	}
	g := poketest.Start(t, "with another's note")
	poketest.Run(t, "", "-s", "USR2", "-t", "200ms", g.PID).Fails(t, exit.Timeout, g.PID, "lazy.Arm")
	g.Expect(t, "rung")
}

// A program may exit when it gets the signal, as nats-server does.
func TestHandlesSignal(t *testing.T) {
	g := poketest.Start(t, "unarmed")
	for _, args := range [][]string{{g.PID}, {"-s", "USR2", g.PID}, {"-s", "12", g.PID, "stats"}} {
		r := poketest.Run(t, "", args...)
		r.Fails(t, exit.NotArmed, g.PID, "handles SIGUSR2 itself", "not signalled")
		if strings.Contains(r.Stderr, "-s") || strings.Contains(r.Stderr, "kill") {
			t.Errorf("proposes to ring: %s", r.Stderr)
		}
	}
	g.Unharmed(t)
	r := poketest.Run(t, "", "--json", g.PID, "stats")
	if !strings.Contains(r.Stdout, `"handles-signal"`) {
		t.Errorf("%+v", r)
	}
}

// A program that is armed and is notified of the same signal gets a ring of
// kill(1), and none of manhole-poke's.
func TestTaggedRing(t *testing.T) {
	g := poketest.Start(t, "lazy, notified")
	for range 3 {
		poketest.Run(t, "", g.PID, "echo", "a").Succeeds(t, "a\n")
	}
	g.Unharmed(t)
	if err := unix.Kill(poketest.Atoi(t, g.PID), unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	g.Expect(t, "rung")
}

// A note that the process did not make itself, that nobody would have made, or
// one of too many, has it signalled by nobody.
func TestPlantedNote(t *testing.T) {
	lazytest.NeedRoot(t)
	for role, words := range map[string]string{
		"with a planted note":     "does not look armed",
		"with many notes":         "more than 64",
		"with a note for SIGTERM": "nothing can be armed for SIGTERM",
	} {
		g := poketest.Start(t, role)
		poketest.Run(t, "", g.PID).Fails(t, exit.NotArmed, g.PID, words, "not signalled")
		g.Unharmed(t)
	}
}

func TestNoteFromTheFuture(t *testing.T) {
	g := poketest.Start(t, "from the future")
	poketest.Run(t, "", g.PID).Fails(t, exit.NotArmed, "newer manhole-poke")
	g.Unharmed(t)
}

func TestOtherSignal(t *testing.T) {
	g := poketest.Start(t, "for USR1")
	poketest.Run(t, "", "-s", "USR2", g.PID).Fails(t, exit.NotArmed, "armed for SIGUSR1", "without -s")
	g.Unharmed(t)
	poketest.Run(t, "a\n", g.PID).Succeeds(t, "you said a\n")
}

func TestStopped(t *testing.T) {
	g := poketest.Start(t, "armed")
	g.Cmd.Process.Signal(syscall.SIGSTOP)
	lazytest.Eventually(t, "it stopped", func() bool { return poketest.StateOf(t, g.PID) == 'T' })
	poketest.Run(t, "", g.PID).Fails(t, exit.Timeout, g.PID, "kill -CONT "+g.PID)
	g.Unharmed(t)
}

func TestZombie(t *testing.T) {
	pid := poketest.StartZombie(t)
	poketest.Run(t, "", pid).Fails(t, exit.NotFound, pid+" (true)", "zombie")
}

func TestDeaf(t *testing.T) {
	g := poketest.Start(t, "deaf")
	poketest.Run(t, "", "-t", "200ms", g.PID).Fails(t, exit.Timeout, g.PID, "did not open "+g.Path, "-t")
	g.Expect(t, "rung")
}

// What lies at the path is seen before the signal, and not waited for.
func TestPathTaken(t *testing.T) {
	lazytest.NeedRoot(t)
	foreign := func(path string) error {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return err
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		return os.Chown(path, 1234, 1234)
	}
	for what, put := range map[string]func(path string) error{
		"a regular file":  func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"a FIFO":          func(path string) error { return unix.Mkfifo(path, 0o600) },
		"a directory":     func(path string) error { return os.Mkdir(path, 0o700) },
		"a symbolic link": func(path string) error { return os.Symlink("nothing", path) },
		"a socket":        foreign,
	} {
		g := poketest.Start(t, "armed")
		if err := put(g.Path); err != nil {
			t.Fatal(err)
		}
		poketest.Run(t, "", "-t", "1h", g.PID, "stats").Fails(t, exit.Denied, g.PID, g.Path, what+" of uid ", "not signalled")
		g.Unharmed(t)
	}

	// It appears after the signal.
	g := poketest.Start(t, "deaf")
	done := make(chan poketest.Result)
	go func() { done <- poketest.Run(t, "", "-t", "1h", g.PID) }()
	g.Expect(t, "rung")
	if err := foreign(g.Path); err != nil {
		t.Fatal(err)
	}
	(<-done).Fails(t, exit.Denied, g.Path, "a socket of uid 1234")

	// The process removes one of its own user's, and takes another of the usual
	// paths if it cannot.
	g = poketest.Start(t, "lazy")
	if err := foreign(g.Path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(g.Path, 0, 0); err != nil {
		t.Fatal(err)
	}
	poketest.Run(t, "", g.PID, "echo", "a").Succeeds(t, "a\n")
	g = poketest.StartAt(t, "lazy by default", "")
	if err := foreign(g.Path); err != nil {
		t.Fatal(err)
	}
	poketest.Run(t, "", g.PID, "version").Succeeds(t, runtime.Version()+"\n")
}

func TestNobody(t *testing.T) {
	dir := t.TempDir()
	poketest.Run(t, "", dir+"/door").Fails(t, exit.NotFound, "nobody listens at "+dir+"/door", "manhole-poke PID")
	poketest.Run(t, "", "/tmp/manhole-4999999").Fails(t, exit.NotFound, "no process 4999999")
	g := poketest.Start(t, "armed")
	poketest.Run(t, "", dir+"/manhole-"+g.PID).Fails(t, exit.NotFound, "manhole-poke "+g.PID)
	g.Unharmed(t)
	// A socket that its process left behind.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + "/stale", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	poketest.Run(t, "", dir+"/stale").Fails(t, exit.NotFound, "nobody listens at")
}

// The path of -p is as seen from here, and the advertised one as the process sees
// it. A path that cannot be the advertised one is refused before the signal.
func TestOtherPath(t *testing.T) {
	g := poketest.Start(t, "armed")
	dir := t.TempDir()
	if err := os.Symlink(filepath.Dir(g.Path), dir+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(g.Path, dir+"/door"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/tmp/manhole-" + g.PID, dir + "/none/door", dir + "/other", "@door", g.Path + "/door"} {
		poketest.Run(t, "a\n", "-p", path, g.PID).Fails(t, exit.NotArmed, g.PID, "armed for "+g.Path, path, "not signalled", "without -p")
		poketest.Run(t, "", "-p", path, g.PID, "stats").Fails(t, exit.NotArmed)
		g.Unharmed(t)
	}
	for _, path := range []string{g.Path, filepath.Dir(g.Path) + "/./door", dir + "/link/door", dir + "/door", "/proc/" + g.PID + "/root" + g.Path} {
		poketest.Run(t, "a\n", "-p", path, g.PID).Succeeds(t, "you said a\n")
		g.Expect(t, "rung")
	}

	g = container{role: "armed", path: "/tmp/manhole-poke-test", namespaces: full, setup: "ln -s tmp $R/link"}.start(t)
	poketest.Run(t, "a\n", "-p", g.Path, g.PID).Fails(t, exit.NotArmed, "not for the file that is "+g.Path+" here")
	for _, dir := range []string{"/tmp", "/link"} {
		poketest.Run(t, "a\n", "-p", "/proc/"+g.PID+"/root"+dir+"/manhole-poke-test", g.PID).Succeeds(t, "you said a\n")
		g.Expect(t, "rung")
	}
	g = container{role: "armed", path: "@manhole-poke-test", namespaces: full}.start(t)
	poketest.Run(t, "a\n", "-p", "@other", g.PID).Fails(t, exit.NotArmed, "@manhole-poke-test")
	poketest.Run(t, "a\n", "-p", g.Path, g.PID).Succeeds(t, "you said a\n")
}

// A Go program without lazy.
func TestWithoutLazy(t *testing.T) {
	cmd := exec.Command("gofmt")
	if _, err := cmd.StdinPipe(); err != nil { // from which it waits to read
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	pid := strconv.Itoa(cmd.Process.Pid)
	lazytest.Eventually(t, "gofmt runs", func() bool { text, _ := os.ReadFile("/proc/" + pid + "/comm"); return string(text) == "gofmt\n" })
	poketest.Run(t, "", pid).Fails(t, exit.NotArmed, pid+" (gofmt)", runtime.Version(), "without lazy", "lazy.Arm")
	if s := poketest.StateOf(t, pid); s == 'Z' {
		t.Error("it died of it")
	}
}

func TestTraced(t *testing.T) {
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	pid := strconv.Itoa(cmd.Process.Pid)
	lazytest.Eventually(t, "it stopped", func() bool { return poketest.StateOf(t, pid) == 't' })
	poketest.Run(t, "", pid).Fails(t, exit.Timeout, pid, "stopped by a debugger")
	poketest.Run(t, "", "kernel", pid).ShowsKernel(t, "traced", `by its debugger, process \d+,`)
}
