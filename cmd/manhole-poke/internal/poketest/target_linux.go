package poketest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// A Target is a process in a role.
type Target struct {
	Process *lazytest.Process
	Cmd     *exec.Cmd
	PID     string
	Path    string // of its socket, as it names it
}

// Start starts a role with a socket named door in a directory of its own.
func Start(t testing.TB, role string) *Target {
	t.Helper()
	return StartAt(t, role, filepath.Join(lazytest.PublicDir(t), "door"))
}

// StartAt starts a role with a socket at path, "" being /tmp/manhole-PID.
func StartAt(t testing.TB, role, path string) *Target {
	t.Helper()
	return StartCommand(t, role, path, lazytest.Command(lazytest.Exe(t), path))
}

// StartCopy starts a copy of the test binary from lazytest.CopyExe, as another
// user unless uid is 0, with a socket at /tmp/manhole-PID.
func StartCopy(t testing.TB, role, exe string, uid int) *Target {
	t.Helper()
	cmd := lazytest.Command(exe, "")
	if uid != 0 {
		lazytest.NeedRoot(t)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	return StartCommand(t, role, "", cmd)
}

// StartNamed starts an armed process from an executable of that name.
func StartNamed(t testing.TB, name string) *Target {
	t.Helper()
	dir := lazytest.PublicDir(t)
	exe := filepath.Join(dir, name)
	if os.Link(lazytest.Exe(t), exe) != nil {
		data, err := os.ReadFile(lazytest.Exe(t))
		if err != nil {
			t.Fatal(err)
		}
		lazytest.WriteExe(t, exe, data)
	}
	path := filepath.Join(dir, "door")
	return StartCommand(t, "armed", path, lazytest.Command(exe, path))
}

// StartCommand starts a role in another way: cmd ends up as the test binary
// with the path as its argument.
func StartCommand(t testing.TB, role, path string, cmd *exec.Cmd) *Target {
	t.Helper()
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	p := lazytest.Launch(t, role, cmd).Ready()
	g := &Target{Process: p, Cmd: cmd, PID: strconv.Itoa(p.PID), Path: path}
	if path == "" {
		g.Path = p.Path
	}
	// It is killed, so it does not remove its socket, which may be in a
	// directory that outlives it.
	t.Cleanup(func() { os.Remove("/proc/" + g.PID + "/root" + g.Path) })
	return g
}

// Expect fails the test unless line is what the target prints next.
func (g *Target) Expect(t testing.TB, line string) {
	t.Helper()
	g.Process.Expect(line)
}

// Unharmed fails the test if the target died or got its signal.
func (g *Target) Unharmed(t testing.TB) {
	t.Helper()
	if state := StateOf(t, g.PID); state == 'Z' || state == 'X' {
		t.Error("the target died")
	}
	if lines := g.Process.Printed(); len(lines) > 0 {
		t.Errorf("the target said %q", lines)
	}
}

// Stop stops the target, as by Ctrl-Z.
func (g *Target) Stop(t testing.TB) {
	t.Helper()
	g.Process.Signal(syscall.SIGSTOP)
	lazytest.Eventually(t, "it stopped", func() bool { return StateOf(t, g.PID) == 'T' })
}

// Container returns a target in a container, whose Command the path goes to.
func Container(t testing.TB, role, path string, c lazytest.Container) *Target {
	t.Helper()
	return StartCommand(t, role, path, c.Command(t, path))
}
