package main

import (
	"encoding/json"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

func listed(t *testing.T, r poketest.Result) []process.Info {
	t.Helper()
	if r.Status != exit.OK || r.Stderr != "" {
		t.Fatalf("%+v", r)
	}
	var ps []process.Info
	for d := json.NewDecoder(strings.NewReader(r.Stdout)); ; {
		var p process.Info
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

func among(t *testing.T, ps []process.Info, pid string) *process.Info {
	t.Helper()
	i := slices.IndexFunc(ps, func(p process.Info) bool { return strconv.Itoa(p.PID) == pid })
	if i < 0 {
		return nil
	}
	return &ps[i]
}

// A user who may not read the executable recognises a Go program by the signals
// that it catches.
func TestListOfAnotherUser(t *testing.T) {
	lazytest.NeedRoot(t)
	roots := poketest.Start(t, "armed")
	theirs := poketest.StartCopy(t, "armed", lazytest.CopyExe(t, "theirs"), 65534)
	ps := listed(t, poketest.AsNobody(t, "", "list", "--json"))
	if p := among(t, ps, roots.PID); p == nil || p.Go != nil || p.Path != nil || p.Lazy != nil || p.Armed != nil || p.Signal != nil || p.Name != p.Comm || *p.UID != 0 || p.Up == nil {
		t.Errorf("root's: %+v", p)
	}
	if p := among(t, ps, theirs.PID); p == nil || *p.Go != runtime.Version() || p.Name != "theirs" || !*p.Armed || *p.UID != 65534 {
		t.Errorf("their own: %+v", p)
	}
	roots.Unharmed(t)
	theirs.Unharmed(t)
}

func TestList(t *testing.T) {
	g := poketest.Start(t, "armed")
	p := among(t, listed(t, poketest.Run(t, "", "list", "--json")), g.PID)
	if p == nil || !*p.Armed || *p.Socket != g.Path {
		t.Errorf("%+v", p)
	}
	for _, args := range [][]string{{"list"}, {}} {
		r := poketest.Run(t, "", args...)
		if r.Status != exit.OK || r.Stderr != "" {
			t.Fatalf("%+v", r)
		}
		lines := strings.Split(r.Stdout, "\n")
		if head := strings.Fields(lines[0]); len(head) != len(columns) {
			t.Errorf("%q", head)
		}
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(strings.TrimLeft(l, " "), g.PID+" ") })
		if i < 0 || !strings.HasSuffix(lines[i], "  SIGUSR2 "+g.Path) {
			t.Errorf("%s", r.Stdout)
		}
	}
	g.Unharmed(t)
	poketest.Run(t, "", "list", "x").Fails(t, exit.Usage, "unexpected argument x")
	full := poketest.FullDevice(t)
	cmd := poketest.Command(t, nil, "list")
	cmd.Stdout = full
	poketest.Finish(t, cmd).Fails(t, exit.LocalIO, "cannot write the list")
}

// At a terminal nothing is wider than it.
func TestListAtTerminal(t *testing.T) {
	g := poketest.StartCopy(t, "armed", lazytest.CopyExe(t, strings.Repeat("long", 30)), 0)
	keys, tty := lazytest.OpenTerminal(t)
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 70}); err != nil {
		t.Fatal(err)
	}
	cmd := poketest.Command(t, nil, "list")
	cmd.Stdout, cmd.Stderr = tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	shown, _ := io.ReadAll(keys) // fails with EIO at the end
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(string(shown), g.PID+"  ") || !strings.Contains(string(shown), "longlo") || !strings.Contains(string(shown), "…") {
		t.Errorf("%s", shown)
	}
	for line := range strings.SplitSeq(string(shown), "\r\n") {
		if n := len([]rune(line)); n > 70 {
			t.Errorf("%d: %q", n, line)
		}
	}
}

func TestListOfNothing(t *testing.T) {
	if r := poketest.InPIDNamespace(t, "--mount-proc", "list"); r.Status != exit.OK || r.Stdout != "" || r.Stderr != "manhole-poke: no Go process is visible here, other than this one; root sees most\n" {
		t.Errorf("%+v", r)
	}
	if r := poketest.InPIDNamespace(t, "--mount-proc", "list", "--json"); r != (poketest.Result{}) {
		t.Errorf("%+v", r)
	}
}

// PIDs from another namespace's /proc mean other processes here.
func TestListWithForeignProc(t *testing.T) {
	poketest.InPIDNamespace(t, "-m", "list").Fails(t, exit.Denied, "/proc", "mount -t proc")
}
