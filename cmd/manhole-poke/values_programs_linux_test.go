package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// A goroutine that runs is at its true place.
func TestPrintRunning(t *testing.T) {
	exe := holderExe(t)
	g := startHolder(t, exe, "spin")
	id := goroutineIn(t, g, "main.spin")
	r := poketest.Run(t, "", g.PID, "locals", "-id", id)
	if r.Status != exit.OK || !strings.Contains(r.Stdout, "main.spin at ") {
		t.Errorf("%+v", r)
	}
	// One run is about one moment.
	r = poketest.Run(t, "", "-c", "print ticks; print nonsense; print ticks", g.PID)
	if a, b, _ := strings.Cut(r.Stdout, "\n"); a+"\n" != b || a == "0" {
		t.Errorf("%+v", r)
	}
}

// Several processes answer below each other.
func TestPrintSeveral(t *testing.T) {
	exe := holderExe(t)
	a, b := startHolder(t, exe), startHolder(t, exe)
	r := poketest.Run(t, "", a.PID, b.PID, "print", "ring.name")
	if r.Status != exit.OK || strings.Count(r.Stdout, "\"a\"\n") != 2 || strings.Count(r.Stdout, "==> process ") != 2 {
		t.Errorf("%+v", r)
	}
}

// However a program is built.
func TestPrintBuildModes(t *testing.T) {
	if testing.Short() || lazytest.UnderRace() {
		t.Skip("builds a program in several modes; once is enough")
	}
	for name, flags := range map[string][]string{
		"trimpath": {"-trimpath"}, "race": {"-race"}, "cgo": {"-tags=withcgo"}, "pie": {"-buildmode=pie"}, "unoptimized": {"-gcflags=-N -l"}, "compressed": {"-ldflags=-compressdwarf=true"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "race" || name == "cgo" {
				lazytest.Tool(t, "gcc")
			}
			g := holder(t, flags...)
			id := goroutineIn(t, g, "main.serve")
			r := poketest.Run(t, "", "-c", "print sessions; print pairs; print closure; print -id "+id+" k", g.PID)
			for _, want := range []string{`"with blank"`, `key: "two"`, "captured int = 9", "\"bob7\"\n"} {
				if r.Status != exit.OK || !strings.Contains(r.Stdout, want) {
					t.Errorf("%s is missing: %+v", want, r)
				}
			}
		})
	}
}

// A program without symbols, and its twins.
func TestSymbols(t *testing.T) {
	lazytest.Tool(t, "strip")
	lazytest.Tool(t, "objcopy")
	dir := lazytest.PublicDir(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	run := func(words ...string) {
		t.Helper()
		if text, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", words, err, text)
		}
	}
	buildHolder(t, file("whole"))
	run("strip", "-o", file("stripped"), file("whole"))
	run("objcopy", "--only-keep-debug", file("whole"), file("debug"))
	buildHolder(t, file("trimmed"), "-trimpath")
	buildHolder(t, file("small"), "-trimpath", "-ldflags=-s -w")
	buildHolder(t, file("other"), "-gcflags=-N -l")
	buildHolder(t, file("noid"), "-ldflags=-buildid=")
	if err := os.WriteFile(file("text"), []byte("not a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	stripped, small := startHolder(t, file("stripped")), startHolder(t, file("small"))
	poketest.Run(t, "", stripped.PID, "print", "ratio").Fails(t, exit.Command, "print: the program has no symbols", "--exe FILE")
	for _, c := range []struct {
		of         *poketest.Target
		twin, want string
	}{
		{stripped, "whole", "1.5\n"}, {stripped, "debug", "1.5\n"}, {small, "trimmed", "1.5\n"},
		{stripped, "other", "is not from the same build"}, {small, "other", "is not from the same build"}, {stripped, "noid", "a build id is missing"},
		{stripped, "small", "has no symbols either"}, {stripped, "text", "not an ELF executable"}, {stripped, "", "not a regular file"}, {stripped, "missing", "no such file"},
	} {
		r := poketest.Run(t, "", "--exe", file(c.twin), c.of.PID, "print", "ratio")
		if c.want == "1.5\n" && (r.Status != exit.OK || r.Stdout != c.want) || c.want != "1.5\n" && (r.Status != exit.Command || !strings.Contains(r.Stderr, c.want)) {
			t.Errorf("%s: %+v, want %s", c.twin, r, c.want)
		}
	}
	poketest.Run(t, "", "--restricted", "--exe", file("whole"), stripped.PID, "print", "ratio").Fails(t, exit.Denied, "--exe")
}

// Where the copy cannot be seen, a core file takes its place.
func TestPrintFromCore(t *testing.T) {
	g := holder(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	for _, line := range []string{"print ratio", "print sessions", "globals ^main.array$", "print closure"} {
		words := strings.SplitN(line, " ", 2)
		seen := poketest.Run(t, "", g.PID, words[0], words[1])
		g.Process.Path = g.Path
		g.Process.Gone()
		g.Process.Ring()
		g.Process.Opened()
		unseen := poketest.InPIDNamespace(t, "--mount-proc", g.Path, words[0], words[1])
		if seen.Status != unseen.Status || seen.Stdout != unseen.Stdout {
			t.Errorf("%s: %+v, and in another pid namespace %+v", line, seen, unseen)
		}
	}
	if left, _ := os.ReadDir(temporary); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	leavesNothing(t, g)
}

// A program that only lets itself be observed is not changed.
func TestPrintReadOnly(t *testing.T) {
	exe := holderExe(t)
	g := startHolder(t, exe, "read-only")
	poketest.Run(t, "", g.PID, "print", "ratio").Fails(t, exit.Command, "print: ", "makes no copies of itself", "WithReadOnly")
	poketest.Run(t, "", g.PID, "set", "ratio", "2").Fails(t, exit.Command, "set: ", "WithReadOnly")
	leavesNothing(t, g)
}

// Who may not debug a process sees no variables; its user needs no privilege.
func TestPrintAsUser(t *testing.T) {
	exe := holderExe(t)
	theirs := startHolderAs(t, exe, lazytest.Nobody)
	if r := poketest.AsNobody(t, "", theirs.PID, "print", "ratio"); r.Status != exit.OK || r.Stdout != "1.5\n" {
		t.Errorf("%+v", r)
	}
	for _, r := range []poketest.Result{poketest.Run(t, "", theirs.PID, "print", "ratio"), poketest.Lacking(t, "-sys_ptrace", theirs.PID, "print", "ratio")} {
		if r.Status != exit.OK || r.Stdout != "1.5\n" {
			t.Errorf("%+v", r)
		}
	}
	ours := startHolder(t, exe)
	poketest.AsNobody(t, "", ours.PID, "print", "ratio").Fails(t, exit.Denied)
}

// What no program would have in its memory takes neither the client's memory nor
// its time, and is no panic.
func TestPrintHostile(t *testing.T) {
	exe := holderExe(t)
	g := startHolder(t, exe, "hostile")
	for _, expr := range []string{"endlessString", "endlessSlice", "endlessStrings", "endlessMap", "deepMap", "noMap", "noType", "noTable", "noChannel", "noFunction", "-len 100000 -strings 1000000 -depth 20 endlessStrings", "-len 100000 endlessMap", "endlessSlice[1<<61]", "endlessMap[123456]", "ring"} {
		cmd := poketest.Command(t, nil, append([]string{g.PID, "print"}, strings.Fields(expr)...)...)
		r := poketest.Finish(t, cmd)
		used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
		t.Logf("%s: status %d, %d MB, %v, %.200s%.200s", expr, r.Status, used, cmd.ProcessState.UserTime(), r.Stdout, r.Stderr)
		if r.Status != exit.OK && r.Status != exit.Command || used > 2000 {
			t.Errorf("%s: status %d, %d MB, %.200s", expr, r.Status, used, r.Stderr)
		}
	}
	leavesNothing(t, g)
}

// In containers the PIDs, the files and the users are others than outside.
func TestPrintInContainer(t *testing.T) {
	exe := holderExe(t)
	own := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100_000, Size: 65536}}
	for name, c := range map[string]lazytest.Container{
		"as root":             {Namespaces: lazytest.AllNamespaces},
		"as another user":     {Namespaces: lazytest.AllNamespaces, User: lazytest.AsUser(t, lazytest.Nobody)},
		"in a user namespace": {Namespaces: lazytest.AllNamespaces, UIDs: own},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := c.Command(t, "/tmp/door")
			program, err := os.Open(exe)
			if err != nil {
				t.Fatal(err)
			}
			defer program.Close()
			cmd.ExtraFiles[0], cmd.Stderr = program, io.Discard
			g := poketest.StartCommand(t, "", "/tmp/door", cmd)
			r := poketest.Run(t, "", g.PID, "print", "sessions[\"alice\"].name")
			if r.Status != exit.OK || r.Stdout != "\"al\"\n" || r.Stderr != "" {
				t.Errorf("%+v", r)
			}
			if r := poketest.Run(t, "", g.PID, "set", "small", "6"); r.Status != exit.OK {
				t.Errorf("%+v", r)
			}
			leavesNothing(t, g)
		})
	}
}
