package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

func TestOneCommand(t *testing.T) {
	g := poketest.StartAt(t, "lazy", "")
	poketest.Run(t, "", g.PID, "echo", "one  word", "it's").Succeeds(t, "one  word it's\n")
	poketest.Run(t, "", g.Path, "version").Succeeds(t, runtime.Version()+"\n")
	poketest.Run(t, "", "-c", "echo 'a;b'; version", g.PID).Succeeds(t, "a;b\n"+runtime.Version()+"\n")
	poketest.Run(t, "", "-c", "quit; version", g.PID).Fails(t, exit.Broken, "before all was said")

	r := poketest.Run(t, "", g.PID, "fail")
	r.Fails(t, exit.Command, "fail: on purpose")
	if r.Stdout != "half an answer\n" {
		t.Errorf("%q", r.Stdout)
	}
	poketest.Run(t, "", g.PID, "nonsense").Fails(t, exit.Command, "nonsense: no such command; try help")
	r = poketest.Run(t, "", "-c", "fail; echo on", g.PID)
	if r.Status != exit.Command || r.Stdout != "half an answer\non\n" || r.Stderr != "manhole-poke: fail: on purpose\nmanhole-poke: 1 of 2 commands failed\n" {
		t.Errorf("%+v", r)
	}
	// The executable contains all prefixes with which lazy marks its own lines.
	exe, err := os.ReadFile("/proc/" + g.PID + "/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []poketest.Result{poketest.Run(t, "", g.PID, "binary"), poketest.Run(t, "binary\n", g.PID)} {
		if r.Status != exit.OK || r.Stdout != string(exe) {
			t.Errorf("binary: status %d, %d bytes, not %d; %s", r.Status, len(r.Stdout), len(exe), r.Stderr)
		}
	}

	poketest.Run(t, "", g.PID, "die").Fails(t, exit.Broken, "exited during the session")
}

// Enter finishes a command early, unless it was typed before the command began.
// Anything else that is typed is left to the shell.
func TestOneCommandEnter(t *testing.T) {
	g := poketest.Start(t, "lazy")
	for _, before := range []string{"", "\n", "stats\n", "stats\n\n"} {
		s, wait := poketest.AtTerminalAfter(t, before, g.PID, "watch", "0.01", "30")
		s.Until(t, "CPU\r\n")
		for range 30 {
			s.Until(t, "%\r\n")
		}
		if st := wait(); st != exit.OK || s.Unread(t) != before {
			t.Errorf("%q: exit status %d", before, st)
		}

		for _, command := range []string{"watch 0.01", "pprof-cpu 1h -o " + filepath.Join(t.TempDir(), "cpu.pprof")} {
			s, wait := poketest.AtTerminalAfter(t, before, append([]string{g.PID}, strings.Fields(command)...)...)
			s.Until(t, map[string]string{"w": "Enter ends it", "p": "s left"}[command[:1]])
			s.Type(t, "version\n") // which is not Enter alone
			done := make(chan exit.Status, 1)
			go func() { done <- wait() }()
			for over := false; !over; {
				select {
				case st := <-done:
					left, ours := strings.CutPrefix(s.Unread(t), before+"version\n")
					if over = true; st != exit.OK || !ours || strings.Trim(left, "\n") != "" {
						t.Errorf("%s after %q: exit status %d", command, before, st)
					}
				case <-time.After(100 * time.Millisecond): // what comes at once is one line, as far as can be seen
					s.Type(t, "\n")
				}
			}
		}
	}
	s, wait := poketest.AtTerminal(t, g.PID, "watch", "0.01")
	s.Until(t, "Enter ends it")
	s.Type(t, "\n")
	if st, left := wait(), s.Unread(t); st != exit.OK || left != "" {
		t.Errorf("exit status %d, left %q", st, left)
	}
}

// When nobody reads the answer any longer, the command is cancelled and the
// session is free.
func TestNobodyReads(t *testing.T) {
	ends := map[string]func() (ours, poke *os.File){
		"pipe": func() (*os.File, *os.File) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			return r, w
		},
		"socket": func() (*os.File, *os.File) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			return os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "poke's")
		},
	}
	a, b := poketest.Start(t, "lazy"), poketest.Start(t, "lazy")
	for kind, ends := range ends {
		for name, c := range map[string]struct {
			script string
			args   []string
		}{
			"command":  {args: []string{a.PID, "block"}},
			"profile":  {args: []string{a.PID, "pprof-cpu", "1h"}},
			"watch":    {args: []string{a.PID, "watch", "3600"}},
			"commands": {args: []string{"-c", "echo x; block; echo y", a.PID}},
			"several":  {args: []string{a.PID, b.PID, "block"}},
			"JSON":     {args: []string{"--json", a.PID, "block"}},
			"script":   {script: "block\necho y\n", args: []string{a.PID}},
			"-o -":     {args: []string{"-o", "-", a.PID, "block"}},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				ours, out := ends()
				defer ours.Close()
				cmd := poketest.Command(t, strings.NewReader(c.script), c.args...)
				var stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = out, &stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				out.Close()
				lazytest.Eventually(t, "the session is held", func() bool { return poketest.Connected(t, a.Path) })
				ours.Close()
				cmd.Wait()
				if st := cmd.ProcessState.Sys().(syscall.WaitStatus); !st.Signaled() || st.Signal() != syscall.SIGPIPE || stderr.Len() > 0 {
					t.Errorf("%v, %q", cmd.ProcessState, &stderr)
				}
				lazytest.Eventually(t, "the session is free", func() bool { return !poketest.Connected(t, a.Path) && !poketest.Connected(t, b.Path) })
				poketest.Run(t, "", a.PID, "echo", "free").Succeeds(t, "free\n")
			})
		}
	}

	// The other end has nothing more to say, but still reads.
	ours, out := ends["socket"]()
	defer ours.Close()
	unix.Shutdown(int(ours.Fd()), unix.SHUT_WR)
	cmd := poketest.Command(t, out, a.PID, "watch", "0.1", "5")
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Close()
	text, err := io.ReadAll(ours)
	if cmd.Wait(); err != nil || strings.Count(string(text), "%\n") != 5 || !cmd.ProcessState.Success() {
		t.Errorf("%q, %v, %v", text, err, cmd.ProcessState)
	}

	// An answer that goes to a file does not need a reader of standard output.
	ours, out = ends["pipe"]()
	ours.Close()
	file := filepath.Join(t.TempDir(), "x")
	cmd = poketest.Command(t, nil, "-o", file, a.PID, "watch", "0.1", "5")
	cmd.Stdout = out
	r := poketest.Finish(t, cmd)
	out.Close()
	if _, err := os.Stat(file); err != nil || r.Status != exit.OK {
		t.Errorf("%v, %+v", err, r)
	}
}

// Advice can be pasted, whatever the name and the command are.
func TestShellWords(t *testing.T) {
	for line, want := range map[string]string{
		"stack -n 3 -match=x": "stack -n 3 -match=x", "echo 'a;b' $(x)": "echo 'a;b' '$(x)'", "echo -'$x'": "echo -'$x'", "echo 'open": `'echo '\''open'`,
	} {
		if got := shellWords(line); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}
