package process

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/google/gops/goprocess"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { poketest.Main(m, nil) }

// seen returns the process as List has it, or nil.
func seen(t *testing.T, pid string) *Info {
	t.Helper()
	ps, err := List()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(ps, func(a, b Info) int { return a.PID - b.PID }) {
		t.Error("not sorted")
	}
	return among(t, ps, pid)
}

func among(t *testing.T, ps []Info, pid string) *Info {
	t.Helper()
	i := slices.IndexFunc(ps, func(p Info) bool { return strconv.Itoa(p.PID) == pid })
	if i < 0 {
		return nil
	}
	return &ps[i]
}

func TestGoProcesses(t *testing.T) {
	exe := lazytest.Exe(t)
	for role, armed := range map[string]*bool{"armed": new(true), "for USR1": new(true), "unarmed": new(false), "with another's note": new(false), "from the future": nil} {
		g := poketest.Start(t, role)
		p := seen(t, g.PID)
		if p == nil {
			t.Fatalf("%s is not listed", role)
		}
		if p.Up == nil || *p.Up < 0 || p.User == nil || *p.User == "" {
			t.Errorf("%s: %+v", role, p)
		}
		pid := poketest.Atoi(t, g.PID)
		want := &Info{PID: pid, NSPid: &pid, UID: new(os.Geteuid()), User: p.User, Name: filepath.Base(exe), Comm: filepath.Base(exe)[:min(maxComm, len(filepath.Base(exe)))], Path: &exe, Go: new(runtime.Version()), Up: p.Up, Lazy: p.Lazy, Armed: armed}
		if armed != nil && *armed {
			want.Signal, want.Socket = new("SIGUSR2"), &g.Path
			if role == "for USR1" {
				want.Signal = new("SIGUSR1")
			}
		}
		if !reflect.DeepEqual(p, want) {
			t.Errorf("%s: %+v\nwant %+v", role, p, want)
		}
		// Up to Go 1.26 a test binary has no list of modules, so nothing is known.
		if own, ok := debug.ReadBuildInfo(); ok && (len(own.Deps) > 0) != (p.Lazy != nil) {
			t.Errorf("%s: %d modules are known, and lazy is %v", role, len(own.Deps), p.Lazy)
		}
		g.Unharmed(t)
	}
	if seen(t, strconv.Itoa(os.Getpid())) != nil {
		t.Error("lists itself")
	}
	if p := seen(t, poketest.StartOther(t, "sleep", "1000")); p != nil {
		t.Errorf("not of Go: %+v", p)
	}
	dead := poketest.Start(t, "unarmed")
	dead.Cmd.Process.Kill()
	lazytest.Eventually(t, "it died", func() bool { return poketest.StateOf(t, dead.PID) == 'Z' })
	if p := seen(t, dead.PID); p != nil {
		t.Errorf("a zombie: %+v", p)
	}
}

// An upgrade replaces the executable of a running process.
func TestGoProcessReplaced(t *testing.T) {
	exe := lazytest.CopyExe(t, "old")
	g := poketest.StartCopy(t, "armed", exe, 0)
	for _, c := range []struct {
		by      string
		replace func() error
	}{
		{"another program", func() error {
			return errors.Join(os.WriteFile(exe+".new", []byte("#!"), 0o755), os.Rename(exe+".new", exe))
		}},
		{"nothing", func() error { return os.Remove(exe) }},
		// Opening this by name would never return.
		{"a fifo", func() error { return unix.Mkfifo(exe+" (deleted)", 0o666) }},
	} {
		if err := c.replace(); err != nil {
			t.Fatal(err)
		}
		p := seen(t, g.PID)
		if p == nil || !p.Deleted || p.Name != "old" || *p.Path != exe || *p.Go != runtime.Version() || p.Armed == nil || !*p.Armed {
			t.Errorf("replaced by %s: %+v", c.by, p)
		}
	}
}

// Programs whose build information is gone: packed, obfuscated or emulated.
func TestGoProcessWithoutBuildInfo(t *testing.T) {
	exe := lazytest.CopyExe(t, "obfuscated")
	b, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	// The magic of package debug/buildinfo.
	b = bytes.ReplaceAll(b, []byte("\xff Go buildinf:"), []byte("\xff no buildinf:"))
	lazytest.WriteExe(t, exe, b)
	g := poketest.StartCopy(t, "armed", exe, 0)
	if p := seen(t, g.PID); p == nil || p.Go != nil || p.Lazy != nil || p.Name != "obfuscated" || p.Armed == nil || !*p.Armed {
		t.Errorf("%+v", p)
	}
}

// The path of an executable in a container is that of another file here.
func TestGoProcessInContainer(t *testing.T) {
	lazytest.NeedRoot(t)
	here := lazytest.CopyExe(t, "inside")
	dir := filepath.Dir(here)
	if err := os.Rename(here, dir+"/there"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(here, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `exec 3<"$0/there" && mount -t tmpfs none "$0" && cat <&3 >"$0/inside" && chmod 755 "$0/inside" && exec 3<&- "$0/inside" ""`, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
	lazytest.InNamespaces(t, "mount -t tmpfs none "+dir, "-m")
	g := poketest.StartCommand(t, "armed", "", cmd)
	p := seen(t, g.PID)
	if p == nil {
		t.Fatal("not listed")
	}
	if *p.NSPid != 1 || p.Name != "inside" || p.Deleted || p.Go == nil || *p.Go != runtime.Version() || p.Armed == nil || !*p.Armed || *p.Socket != "/tmp/manhole-1" {
		t.Errorf("%+v", p)
	}
}

func TestStartTime(t *testing.T) {
	g := poketest.Start(t, "unarmed")
	pid := poketest.Atoi(t, g.PID)
	// ps, run between two of our readings, must agree to the second.
	before := up(unknown(pid))
	out, err := exec.Command("ps", "-o", "etimes=", "-p", g.PID).Output()
	if err != nil {
		t.Skip(err)
	}
	after := up(unknown(pid))
	if ps := int64(poketest.Atoi(t, strings.TrimSpace(string(out)))); before == nil || after == nil || ps < *before-1 || ps > *after+1 {
		t.Errorf("ps says %d, we %v and %v", ps, *before, *after)
	}
}

// BenchmarkList lists a machine with a hundred workers of one program, as List
// does and as gops does.
func BenchmarkList(b *testing.B) {
	for range 100 {
		poketest.StartAt(b, "armed", "")
	}
	b.Run("poke", func(b *testing.B) {
		for b.Loop() {
			if ps, err := List(); err != nil || len(ps) < 100 {
				b.Fatal(len(ps), err)
			}
		}
	})
	b.Run("gops", func(b *testing.B) {
		for b.Loop() {
			if ps := goprocess.FindAll(); len(ps) < 100 {
				b.Fatal(len(ps))
			}
		}
	})
}
