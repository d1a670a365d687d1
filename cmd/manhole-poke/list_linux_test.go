package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/gops/goprocess"
	"golang.org/x/sys/unix"
)

// seen is the process as goProcesses has it, nil if it does not.
func seen(t *testing.T, pid string) *goProcess {
	t.Helper()
	ps, err := goProcesses()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(ps, func(a, b goProcess) int { return a.PID - b.PID }) {
		t.Error("not sorted")
	}
	return among(t, ps, pid)
}

func among(t *testing.T, ps []goProcess, pid string) *goProcess {
	t.Helper()
	i := slices.IndexFunc(ps, func(p goProcess) bool { return strconv.Itoa(p.PID) == pid })
	if i < 0 {
		return nil
	}
	return &ps[i]
}

// copied copies this executable into a directory that anybody may enter.
func copied(t *testing.T, name string) string {
	t.Helper()
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "poke")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, exe, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// startCopy starts a copy of this executable, as another user unless uid is 0.
func startCopy(t *testing.T, role, exe string, uid int) *target {
	t.Helper()
	cmd := exec.Command(exe, "")
	if uid != 0 {
		needRoot(t)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	return startCommand(t, role, "", cmd)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("becoming another user and entering namespaces takes root")
	}
}

func TestGoProcesses(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for role, armed := range map[string]*bool{"armed": new(true), "for USR1": new(true), "unarmed": new(false), "with another's note": new(false), "from the future": nil} {
		g := start(t, role)
		p := seen(t, g.pid)
		if p == nil {
			t.Fatalf("%s is not listed", role)
		}
		if p.Up == nil || *p.Up < 0 || p.User == nil || *p.User == "" {
			t.Errorf("%s: %+v", role, p)
		}
		pid := mustAtoi(t, g.pid)
		want := &goProcess{PID: pid, NSPid: &pid, UID: new(os.Geteuid()), User: p.User, Name: filepath.Base(exe), Comm: filepath.Base(exe)[:min(commMax, len(filepath.Base(exe)))], Path: &exe, Go: new(runtime.Version()), Up: p.Up, Lazy: p.Lazy, Armed: armed}
		if armed != nil && *armed {
			want.Signal, want.Socket = new("SIGUSR2"), &g.path
			if role == "for USR1" {
				want.Signal = new("SIGUSR1")
			}
		}
		if !reflect.DeepEqual(p, want) {
			t.Errorf("%s: %+v\nwant %+v", role, p, want)
		}
		if p.Lazy == nil || *p.Lazy == "" {
			t.Errorf("%s: this is lazy's own module, and it is not linked", role)
		}
		g.unharmed(t)
	}
	if seen(t, strconv.Itoa(os.Getpid())) != nil {
		t.Error("lists itself")
	}
	if p := seen(t, startOther(t, "sleep", "1000")); p != nil {
		t.Errorf("not of Go: %+v", p)
	}
	dead := start(t, "unarmed")
	dead.cmd.Process.Kill()
	until(t, "it died", func() bool { return stateOf(t, dead.pid) == 'Z' })
	if p := seen(t, dead.pid); p != nil {
		t.Errorf("a zombie: %+v", p)
	}
}

// What an upgrade does: the executable of what still runs is replaced.
func TestGoProcessReplaced(t *testing.T) {
	exe := copied(t, "old")
	g := startCopy(t, "armed", exe, 0)
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
		p := seen(t, g.pid)
		if p == nil || !p.Deleted || p.Name != "old" || *p.Path != exe || *p.Go != runtime.Version() || p.Armed == nil || !*p.Armed {
			t.Errorf("replaced by %s: %+v", c.by, p)
		}
	}
}

// Programs whose build information is gone: packed, obfuscated or emulated.
func TestGoProcessWithoutBuildInfo(t *testing.T) {
	exe := copied(t, "obfuscated")
	b, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	// The magic of package debug/buildinfo.
	b = bytes.ReplaceAll(b, []byte("\xff Go buildinf:"), []byte("\xff no buildinf:"))
	if err := os.WriteFile(exe, b, 0o755); err != nil {
		t.Fatal(err)
	}
	g := startCopy(t, "armed", exe, 0)
	if p := seen(t, g.pid); p == nil || p.Go != nil || p.Lazy != nil || p.Name != "obfuscated" || p.Armed == nil || !*p.Armed {
		t.Errorf("%+v", p)
	}
}

// In a container, the executable's path is another's from here.
func TestGoProcessInContainer(t *testing.T) {
	needRoot(t)
	here := copied(t, "inside")
	dir := filepath.Dir(here)
	if err := os.Rename(here, dir+"/there"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(here, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `exec 3<"$0/there" && mount -t tmpfs none "$0" && cat <&3 >"$0/inside" && chmod 755 "$0/inside" && exec 3<&- "$0/inside" ""`, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
	if out, err := runTool("unshare", "-m", "mount", "-t", "tmpfs", "none", dir); err != nil {
		t.Skipf("a container takes unshare and mount: %v %s", err, out)
	}
	g := startCommand(t, "armed", "", cmd)
	p := seen(t, g.pid)
	if p == nil {
		t.Fatal("not listed")
	}
	if *p.NSPid != 1 || p.Name != "inside" || p.Deleted || p.Go == nil || *p.Go != runtime.Version() || p.Armed == nil || !*p.Armed || *p.Socket != "/tmp/manhole-1" {
		t.Errorf("%+v", p)
	}
}

func listed(t *testing.T, r result) []goProcess {
	t.Helper()
	if r.status != statusOK || r.stderr != "" {
		t.Fatalf("%+v", r)
	}
	var ps []goProcess
	for d := json.NewDecoder(strings.NewReader(r.stdout)); ; {
		var p goProcess
		err := d.Decode(&p)
		if err == io.EOF {
			return ps
		}
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
}

// Whoever is not root sees that it is a Go program by the signals it catches.
func TestListOfAnotherUser(t *testing.T) {
	needRoot(t)
	roots := start(t, "armed")
	theirs := startCopy(t, "armed", copied(t, "theirs"), 65534)
	ps := listed(t, asNobody(t, "", "list", "--json"))
	if p := among(t, ps, roots.pid); p == nil || p.Go != nil || p.Path != nil || p.Lazy != nil || p.Armed != nil || p.Signal != nil || p.Name != p.Comm || *p.UID != 0 || p.Up == nil {
		t.Errorf("root's: %+v", p)
	}
	if p := among(t, ps, theirs.pid); p == nil || *p.Go != runtime.Version() || p.Name != "theirs" || !*p.Armed || *p.UID != 65534 {
		t.Errorf("their own: %+v", p)
	}
	if p := seen(t, theirs.pid); p == nil || *p.Go != runtime.Version() || !*p.Armed || *p.UID != 65534 {
		t.Errorf("theirs, as root sees it: %+v", p)
	}
	roots.unharmed(t)
	theirs.unharmed(t)
}

func TestList(t *testing.T) {
	g := start(t, "armed")
	p := among(t, listed(t, pokeWith(t, "", "list", "--json")), g.pid)
	if p == nil || !*p.Armed || *p.Socket != g.path {
		t.Errorf("%+v", p)
	}
	for _, args := range [][]string{{"list"}, {}} {
		r := pokeWith(t, "", args...)
		if r.status != statusOK || r.stderr != "" {
			t.Fatalf("%+v", r)
		}
		lines := strings.Split(r.stdout, "\n")
		if head := strings.Fields(lines[0]); len(head) != len(columns) {
			t.Errorf("%q", head)
		}
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(strings.TrimLeft(l, " "), g.pid+" ") })
		if i < 0 || !strings.HasSuffix(lines[i], "  SIGUSR2 "+g.path) {
			t.Errorf("%s", r.stdout)
		}
	}
	g.unharmed(t)
	pokeWith(t, "", "list", "x").fails(t, statusUsage, `"x"`)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	cmd := pokeCommand(t, nil, "list")
	cmd.Stdout = full
	finish(t, cmd).fails(t, statusHere, "cannot write the list")
}

// At a terminal nothing is wider than it.
func TestListAtTerminal(t *testing.T) {
	g := startCopy(t, "armed", copied(t, strings.Repeat("long", 30)), 0)
	keys, tty := openTerminal(t)
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 70}); err != nil {
		t.Fatal(err)
	}
	cmd := pokeCommand(t, nil, "list")
	cmd.Stdout, cmd.Stderr = tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	shown, _ := io.ReadAll(keys) // fails with EIO at the end
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(string(shown), g.pid+"  ") || !strings.Contains(string(shown), "longlo") || !strings.Contains(string(shown), "…") {
		t.Errorf("%s", shown)
	}
	for line := range strings.SplitSeq(string(shown), "\r\n") {
		if n := len([]rune(line)); n > 70 {
			t.Errorf("%d: %q", n, line)
		}
	}
}

func inPidNamespace(t *testing.T, flag string, args ...string) result {
	t.Helper()
	needRoot(t)
	if out, err := runTool("unshare", "-pf", flag, "true"); err != nil {
		t.Skipf("a pid namespace takes unshare: %v %s", err, out)
	}
	return finish(t, exec.Command("unshare", append([]string{"-pf", flag, pokeBinary}, args...)...))
}

func TestListOfNothing(t *testing.T) {
	if r := inPidNamespace(t, "--mount-proc", "list"); r.status != statusOK || r.stdout != "" || r.stderr != "manhole-poke: no Go process is to be seen from here, other than this one; root sees most\n" {
		t.Errorf("%+v", r)
	}
	if r := inPidNamespace(t, "--mount-proc", "list", "--json"); r != (result{}) {
		t.Errorf("%+v", r)
	}
}

// Pids from another namespace's /proc would be those of others here.
func TestListWithForeignProc(t *testing.T) {
	inPidNamespace(t, "-m", "list").fails(t, statusUnlooked, "/proc", "mount -t proc")
}

func TestResolve(t *testing.T) {
	one, two := copied(t, "poke-test-one"), copied(t, "poke-test-two")
	expect := func(o options, name string, want *target) {
		t.Helper()
		if pid, err := resolve(o, name); err != nil || strconv.Itoa(pid) != want.pid {
			t.Errorf("%s: %d, %v, want %s", name, pid, err, want.pid)
		}
	}
	fails := func(o options, name string, s status, words ...string) {
		t.Helper()
		pid, err := resolve(o, name)
		if statusOf(err) != s || pid != 0 {
			t.Errorf("%s: %d, %v", name, pid, err)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q lacks %q", err, w)
			}
		}
	}
	fails(options{}, "poke-test-one", statusNoProcess, `"poke-test-one"`, "manhole-poke alone")
	unarmed := startCopy(t, "unarmed", one, 0)
	other := startCopy(t, "armed", two, 0)
	expect(options{}, "poke-test-one", unarmed)
	expect(options{}, "poke-test-two", other)
	// Nothing is rung for a part of a name.
	fails(options{}, "poke-TEST", statusNoProcess, "poke-test-one ("+unarmed.pid+")", "poke-test-two ("+other.pid+")")
	fails(options{}, "", statusNoProcess)
	fails(options{}, "lst", statusNoProcess, `"lst", but there is the subcommand list; `)

	armed := startCopy(t, "armed", one, 0)
	expect(options{}, "poke-test-one", armed)
	fails(options{signal: "USR2"}, "poke-test-one", statusAmbiguous, unarmed.pid, armed.pid)
	startCopy(t, "from the future", one, 0)
	fails(options{}, "poke-test-one", statusAmbiguous, "3 Go processes", unarmed.pid+" (", "not armed", armed.pid, "armed or not is hidden")
	startCopy(t, "armed", two, 0)
	fails(options{}, "poke-test-two", statusAmbiguous, "2 Go processes", other.pid)
}

// Anybody's process may call itself like another's.
func TestResolveAmongUsers(t *testing.T) {
	needRoot(t)
	exe := copied(t, "poke-test-three")
	ours := startCopy(t, "unarmed", exe, 0)
	theirs := startCopy(t, "armed", exe, 65534)
	if pid, err := resolve(options{}, "poke-test-three"); statusOf(err) != statusAmbiguous || !strings.Contains(err.Error(), ours.pid) || !strings.Contains(err.Error(), theirs.pid) {
		t.Errorf("%d, %v", pid, err)
	}
	ours.unharmed(t)
	theirs.unharmed(t)
	// Where ours can't be rung anyhow, theirs is meant.
	asNobody(t, "a\n", "poke-test-three").succeeds(t, "you said a\n")
	theirs.expect(t, "rung")
	ours.unharmed(t)
}

func TestEveryArmed(t *testing.T) {
	armed, usr1 := start(t, "armed"), start(t, "for USR1")
	others := []*target{start(t, "unarmed"), start(t, "from the future"), start(t, "with another's note")}
	pids, err := everyArmed()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []*target{armed, usr1} {
		if !slices.Contains(pids, mustAtoi(t, g.pid)) {
			t.Errorf("%v lacks %s", pids, g.pid)
		}
	}
	for _, g := range others {
		if slices.Contains(pids, mustAtoi(t, g.pid)) {
			t.Errorf("%v has %s", pids, g.pid)
		}
	}
}

func TestStartTime(t *testing.T) {
	g := start(t, "unarmed")
	pid := mustAtoi(t, g.pid)
	// Between two looks of ours, ps must see what we see, to the second.
	before := up(&process{pid: pid})
	out, err := exec.Command("ps", "-o", "etimes=", "-p", g.pid).Output()
	if err != nil {
		t.Skip(err)
	}
	after := up(&process{pid: pid})
	if ps := int64(mustAtoi(t, strings.TrimSpace(string(out)))); before == nil || after == nil || ps < *before-1 || ps > *after+1 {
		t.Errorf("ps says %d, we %v and %v", ps, *before, *after)
	}
}

// BenchmarkList lists a machine with a hundred workers of one program, as poke
// does and as gops does.
func BenchmarkList(b *testing.B) {
	for range 100 {
		cmd := exec.Command("/proc/self/exe", "")
		cmd.Env = append(os.Environ(), roleVariable+"=armed")
		stdin, err := cmd.StdinPipe()
		if err != nil {
			b.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		defer cmd.Wait()
		defer stdin.Close()
		if _, err := io.ReadFull(stdout, make([]byte, len("ready\n"))); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("poke", func(b *testing.B) {
		for b.Loop() {
			if ps, err := goProcesses(); err != nil || len(ps) < 100 {
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
