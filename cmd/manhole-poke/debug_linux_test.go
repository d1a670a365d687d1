//go:build !lazy_nodebugger

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/copynote"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// copiesOf returns the copies of a process.
func copiesOf(t *testing.T, pid string) (copies []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		status, _ := os.ReadFile(name)
		if strings.Contains(string(status), "Name:\t"+copynote.Name+"\n") && strings.Contains(string(status), "\nPPid:\t"+pid+"\n") {
			copies = append(copies, filepath.Base(filepath.Dir(name)))
		}
	}
	return copies
}

// nothingLeft asserts that a process runs, is not traced, and has no copy.
func nothingLeft(t *testing.T, g *poketest.Target) {
	t.Helper()
	lazytest.Eventually(t, "the copy is gone", func() bool { return len(copiesOf(t, g.PID)) == 0 })
	status, err := os.ReadFile("/proc/" + g.PID + "/status")
	if err != nil || !strings.Contains(string(status), "TracerPid:\t0\n") || strings.ContainsRune("tTZ", rune(poketest.StateOf(t, g.PID))) {
		t.Errorf("%s, %v", status, err)
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("left in the directory for temporary files: %v", left)
	}
	if left, _ := os.ReadDir(os.Getenv("HOME")); len(left) > 0 {
		t.Errorf("left at home: %v", left)
	}
	poketest.Run(t, "", g.PID, "version").Succeeds(t, poketest.Run(t, "", g.PID, "version").Stdout)
}

// debugged returns a running holder, an empty home, and an empty directory for
// temporary files.
func debugged(t *testing.T) *poketest.Target {
	t.Helper()
	poketest.Binary(t) // go build needs the home as it is
	g := holder(t)
	for _, name := range []string{"HOME", "TMPDIR"} {
		t.Setenv(name, t.TempDir())
	}
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	return g
}

const shownGreeting = `"hello\x1b[2J` // as Delve quotes it

func TestDebugScript(t *testing.T) {
	g := debugged(t)
	r := poketest.Run(t, "# a comment\n\ngoroutines\nprint main.greeting\ngoroutine 1 bt", "debug", g.PID)
	if r.Status != exit.OK || r.Stderr != "" {
		t.Errorf("%+v", r)
	}
	if p := r.Lacks(`Goroutine 1 - User: \S+ `, regexp.QuoteMeta(shownGreeting), `(?m)in main\.main$`); p != "" {
		t.Errorf("%q is missing in %s", p, r.Stdout)
	}
	nothingLeft(t, g)
	// Nothing changes or runs the copy, and what fails does not end the script.
	for _, line := range []string{
		"continue", "next", "step", "call main.main()", "restart", "rebuild", "checkpoint", "set main.verbose = true", "goroutine 1 continue",
		"break main.main", "source -", "edit", "config -save", "on 1 print x", "nonsense",
	} {
		r := poketest.Run(t, line+"\nprint 1+1\n", "debug", g.PID)
		r.Fails(t, exit.Command, line)
		if !strings.HasSuffix(r.Stdout, "2\n") { // Delve first shows where goroutine 1 is
			t.Errorf("%q: %+v", line, r)
		}
	}
	poketest.Run(t, "exit\nprint 1\n", "debug", g.PID).Succeeds(t, "")
	nothingLeft(t, g)
}

// A script in Delve's Starlark sees what the commands show, and changes nothing
// either.
func TestDebugStarlark(t *testing.T) {
	g := debugged(t)
	file := filepath.Join(t.TempDir(), "script.star")
	run := func(line string) poketest.Result {
		t.Helper()
		if err := os.WriteFile(file, []byte("def main():\n\tprint("+line+")\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return poketest.Run(t, "source "+file, "debug", g.PID)
	}
	run(`"hello" in eval(None, "main.greeting").Variable.Value`).Succeeds(t, "True\n")
	run(`len([g for g in goroutines().Goroutines if g.ID == 1])`).Succeeds(t, "1\n")
	for _, line := range []string{
		`dlv_command("continue")`, `raw_command("continue")`, `raw_command("next")`, `set_expr(None, "main.verbose", "true")`,
		`create_breakpoint({"FunctionName": "main.main"})`, `dump_start("core")`, `detach(True)`, `restart()`,
	} {
		run(line).Fails(t, exit.Command, "stands still")
	}
	nothingLeft(t, g)
}

func TestDebugAtTerminal(t *testing.T) {
	g := debugged(t)
	t.Setenv("TERM", "xterm")
	s, wait := poketest.AtTerminal(t, "debug", g.PID)
	s.Until(t, "A copy of process "+g.PID)
	s.Until(t, "The program stood still for ")
	s.Until(t, " goroutines. All are shown exactly where they were.")
	s.Until(t, "(dlv) ")
	s.Type(t, "print main.greeting\n")
	s.Until(t, shownGreeting)
	s.Until(t, "(dlv) ")
	s.Type(t, "continue\n")
	s.Until(t, "Command failed: this is a copy")
	s.Until(t, "(dlv) ")
	s.Type(t, "half a line\x03") // it runs nothing, least of all the last command again
	if out := s.Until(t, "(dlv) "); strings.Contains(out, "Command failed") {
		t.Errorf("Ctrl-C at the prompt: %s", out)
	}
	s.Type(t, "\x03")
	if out := s.Until(t, "(dlv) "); strings.Contains(out, "Command failed") {
		t.Errorf("Ctrl-C at an empty prompt: %s", out)
	}
	s.Type(t, "\n") // as in Delve
	s.Until(t, "Command failed: this is a copy")
	s.Until(t, "(dlv) ")
	s.Type(t, "packages\n")
	s.Until(t, "\nruntime\r\n") // Delve lacks some of Go 1.27
	s.Until(t, "(dlv) ")
	if n := len(copiesOf(t, g.PID)); n != 1 {
		t.Errorf("%d copies", n)
	}
	s.Type(t, "\x04")
	if st := wait(); st != exit.OK {
		t.Errorf("exit status %d", st)
	}
	nothingLeft(t, g)
}

// Whatever ends the debugger ends the copy.
func TestDebugEnds(t *testing.T) {
	g := debugged(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGKILL} {
		t.Run(fmt.Sprint(sig), func(t *testing.T) {
			in, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			cmd := poketest.Command(t, in, "debug", g.PID)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			in.Close()
			lazytest.Eventually(t, "there is a copy that is traced", func() bool {
				copies := copiesOf(t, g.PID)
				if len(copies) != 1 {
					return false
				}
				status, _ := os.ReadFile("/proc/" + copies[0] + "/status")
				return !strings.Contains(string(status), "TracerPid:\t0\n")
			})
			cmd.Process.Signal(sig)
			cmd.Wait()
			if st := poketest.StatusOf(cmd); sig != syscall.SIGKILL && st != exit.Signalled+exit.Status(sig) {
				t.Errorf("exit status %d", st)
			}
			nothingLeft(t, g)
		})
	}
	// The other end: the copy is gone, as when its time is over.
	s, wait := poketest.AtTerminal(t, "debug", g.PID)
	s.Until(t, "(dlv) ")
	for _, pid := range copiesOf(t, g.PID) {
		syscall.Kill(poketest.Atoi(t, pid), syscall.SIGKILL)
	}
	s.Until(t, "the copy has ended")
	if st := wait(); st != exit.Broken {
		t.Errorf("exit status %d", st)
	}
	nothingLeft(t, g)
}

// Who may not trace works on a core file.
func TestDebugWithoutTracing(t *testing.T) {
	lazytest.NeedRoot(t)
	exe := filepath.Join(lazytest.PublicDir(t), "holder")
	buildHolder(t, exe)
	g := startHolderAs(t, exe, 65534)
	poketest.Binary(t)
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	cmd := lazytest.Wrap(poketest.Command(t, nil, "debug", g.PID), lazytest.Tool(t, "setpriv"), "--bounding-set", "-sys_ptrace")
	cmd.Stdin = strings.NewReader("print main.greeting\ngoroutines\n")
	r := poketest.Finish(t, cmd)
	if p := r.Lacks(regexp.QuoteMeta(shownGreeting), `Goroutine 1 - User`); r.Status != exit.OK || p != "" {
		t.Errorf("%+v lacks %q", r, p)
	}
	nothingLeft(t, g)
}

// The debugger shows a process whose scheduler is dead, too.
func TestDebugWedged(t *testing.T) {
	t.Setenv("GODEBUG", "asyncpreemptoff=1")
	pid := startProgram(t, "wedged")
	holds(t, pid)
	r := poketest.Run(t, "goroutine 1 bt\nprint main.jobs\n", "debug", "-t", "1s", pid)
	if p := r.Lacks(`(?m)in main\.crunch$`, `"nightly": `); p != "" || r.Status != exit.OK || !strings.Contains(r.Stderr, "a copy that its signal handler made") {
		t.Errorf("%+v lacks %q", r, p)
	}
	if state := poketest.StateOf(t, pid); strings.ContainsRune("ZXtT", rune(state)) {
		t.Errorf("the program is in state %c", state)
	}
}

func TestDebugCore(t *testing.T) {
	exe := filepath.Join(lazytest.PublicDir(t), "holder")
	buildHolder(t, exe)
	g := startHolder(t, exe)
	core := filepath.Join(t.TempDir(), "core")
	if r := poketest.Run(t, "", "-o", core, g.PID, "core"); r.Status != exit.OK {
		t.Fatalf("%+v", r)
	}
	const script = "print main.greeting\n"
	for _, args := range [][]string{{exe}, nil} {
		r := poketest.Run(t, script, append([]string{"debug", "--core", core}, args...)...)
		if r.Status != exit.OK || !strings.Contains(r.Stdout, shownGreeting) {
			t.Errorf("%q: %+v", args, r)
		}
	}
	poketest.Run(t, script, "debug", "--core", core, "/bin/sh").Fails(t, exit.Usage, "/bin/sh is not the executable", "binary")
	poketest.Run(t, script, "debug", "--core", exe, exe).Fails(t, exit.LocalIO, "not a core file")
	g.Stop(t)
	if err := os.Remove(exe); err != nil {
		t.Fatal(err)
	}
	poketest.Run(t, script, "debug", "--core", core).Fails(t, exit.Usage, "the executable of process holder is needed too", exe, "binary")
}

func TestDebugStripped(t *testing.T) {
	dir := lazytest.PublicDir(t)
	twin, exe := filepath.Join(dir, "twin"), filepath.Join(dir, "holder")
	buildHolder(t, twin)
	if out, err := exec.Command(lazytest.Tool(t, "strip"), "-o", exe, twin).CombinedOutput(); err != nil {
		t.Skipf("%v\n%s", err, out)
	}
	g := startHolder(t, exe)
	const script = "print main.greeting\n"
	poketest.Run(t, script, "debug", g.PID).Fails(t, exit.Command, "no symbols", "--exe")
	r := poketest.Run(t, script, "debug", "--exe", twin, g.PID)
	if r.Status != exit.OK || !strings.Contains(r.Stdout, shownGreeting) {
		t.Errorf("%+v", r)
	}
	other := filepath.Join(dir, "other")
	buildHolder(t, other, "-gcflags=-N")
	poketest.Run(t, script, "debug", "--exe", other, g.PID).Fails(t, exit.Command, "is not from the same build")
}

func TestDebugUsage(t *testing.T) {
	poketest.Run(t, "", "debug").Fails(t, exit.Usage, "debug takes one")
	poketest.Run(t, "", "debug", "1", "2").Fails(t, exit.Usage, "debug takes one")
	poketest.Run(t, "", "debug", "--core", "/dev/null", "a", "b").Fails(t, exit.Usage, "one executable")
	g := poketest.Start(t, "unarmed")
	poketest.Run(t, "", "debug", g.PID).Fails(t, exit.NotArmed, "does not look armed")
}
