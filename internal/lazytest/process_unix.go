//go:build linux || darwin || freebsd

package lazytest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// RoleVariable is the environment variable that holds the role.
const RoleVariable = "LAZY_TEST_ROLE"

// Roles are main functions by name.
type Roles map[string]func()

// Play runs a role and exits if this process was started for one. Otherwise it
// returns, and this is the test itself.
func Play(roles Roles) {
	name, ok := os.LookupEnv(RoleVariable)
	if !ok {
		// What is started here with the race detector exits without a delay.
		os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
		// Under nohup, or behind a shell's &, what is started here would ignore
		// these signals as well, but not if they are handled here: execve(2).
		for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
			if signal.Ignored(sig) {
				signal.Notify(make(chan os.Signal, 1), sig)
			}
		}
		return
	}
	role, ok := roles[name]
	if !ok {
		fmt.Printf("error: no role %q\n", name)
		os.Exit(2)
	}
	role()
	os.Exit(0)
}

// Command returns the command that runs exe, the test binary or a copy of it,
// through the emulator if there is one.
func Command(exe string, args ...string) *exec.Cmd {
	words := slices.Concat(strings.Fields(os.Getenv(emulatorVariable)), []string{exe}, args)
	return exec.Command(words[0], words[1:]...)
}

// Wrap returns the command that has wrapper run cmd; wrapper ends where the
// words of a command may follow, such as
//
//	sh -c 'umask 0; exec "$@"' sh
func Wrap(cmd *exec.Cmd, wrapper ...string) *exec.Cmd {
	if len(wrapper) == 0 {
		return cmd
	}
	return exec.Command(wrapper[0], slices.Concat(wrapper[1:], cmd.Args)...)
}

// A Process is the test binary in a role.
type Process struct {
	Cmd   *exec.Cmd
	PID   int
	Path  string  // of its socket; set it if it is not /tmp/manhole-PID
	First string  // the first line it printed, "" if it exited without one
	Log   *Buffer // what it wrote to stderr, unless Cmd.Stderr was set

	t     testing.TB
	stdin io.WriteCloser
	lines chan string // that it printed, closed at the end
	wait  func() error
}

// Start starts the test binary in a role and waits until it is ready.
func Start(t testing.TB, role string, args ...string) *Process {
	t.Helper()
	return Launch(t, role, Command(Exe(t), args...)).Ready()
}

// Launch starts a command that ends up as the test binary, in a role, and waits
// for the first line or the end. The process goes with the test. A data race in
// it fails the test.
func Launch(t testing.TB, role string, cmd *exec.Cmd) *Process {
	t.Helper()
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(append(cmd.Env, coverage()...), RoleVariable+"="+role)
	p := &Process{Cmd: cmd, Log: new(Buffer), t: t, lines: make(chan string, 1000)}
	if cmd.Stderr == nil {
		cmd.Stderr = p.Log
	}
	cmd.WaitDelay = 10 * time.Second // for children that hold its stderr
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	// Not StdoutPipe, which Wait closes under the reader.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		t.Fatal(err)
	}
	p.PID = cmd.Process.Pid
	p.Path = "/tmp/manhole-" + strconv.Itoa(p.PID)
	p.removeSockets() // of a process that had the PID before, maybe with another user
	p.wait = sync.OnceValue(cmd.Wait)
	go func() {
		defer close(p.lines)
		for in := bufio.NewReader(r); ; {
			line, err := in.ReadString('\n')
			if line != "" {
				p.lines <- strings.TrimSuffix(line, "\n")
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		p.end()
		r.Close()
		p.removeSockets()
		if strings.Contains(p.Log.String(), "WARNING: DATA RACE") {
			t.Error("the process has a data race")
		}
		if t.Failed() {
			t.Logf("the log of process %d:\n%s", p.PID, p.Log)
		}
	})
	p.First, _ = p.line()
	return p
}

// removeSockets removes what a process that is killed in a session leaves.
func (p *Process) removeSockets() {
	for _, path := range []string{p.Path, "/tmp/manhole-" + strconv.Itoa(p.PID), "/dev/shm/manhole-" + strconv.Itoa(p.PID)} {
		os.Remove(path)
	}
}

// end ends the process: by itself if its coverage counts, else at once.
func (p *Process) end() {
	p.stdin.Close() // for what a wrapper started
	p.Cmd.Process.Signal(syscall.SIGCONT)
	if testing.CoverMode() != "" {
		ended := make(chan struct{})
		go func() {
			p.wait()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
		}
	}
	p.Kill()
}

// Kill kills the process and waits for its end.
func (p *Process) Kill() {
	p.Cmd.Process.Kill()
	p.wait()
}

// Wait waits until the process has ended, and returns how.
func (p *Process) Wait() error { return p.wait() }

// Ready fails the test unless the process said that it is ready. It returns p.
func (p *Process) Ready() *Process {
	p.t.Helper()
	if p.First != "ready" {
		p.t.Fatalf("the process says %q\n%s", p.First, p.Log)
	}
	return p
}

// line returns the next line that the process printed.
func (p *Process) line() (string, error) {
	select {
	case line, ok := <-p.lines:
		if !ok {
			return "", io.EOF
		}
		return line, nil
	case <-time.After(Patience):
		return "", errors.New("nothing was printed")
	}
}

// Expect fails the test unless line is what the process prints next.
func (p *Process) Expect(line string) {
	p.t.Helper()
	if got, err := p.line(); err != nil || got != line {
		p.t.Fatalf("the process printed %q (%v), want %q\n%s", got, err, line, p.Log)
	}
}

// Printed returns the lines that the process has printed and nothing has read.
func (p *Process) Printed() (lines []string) {
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				return lines
			}
			lines = append(lines, line)
		default:
			return lines
		}
	}
}

// Line returns the next line that it prints.
func (p *Process) Line() string {
	p.t.Helper()
	line, err := p.line()
	if err != nil {
		p.t.Fatal(err)
	}
	return line
}

// Tell sends the process a line on its standard input.
func (p *Process) Tell(line string) { fmt.Fprintln(p.stdin, line) }

// Ask sends the process a line and returns the line that it answers.
func (p *Process) Ask(line string) string {
	p.t.Helper()
	p.Tell(line)
	answer, err := p.line()
	if err != nil {
		p.Cmd.Process.Kill()
		p.t.Fatalf("no answer to %q: %v (%v)\n%s", line, err, p.wait(), p.Log)
	}
	return strings.TrimSpace(answer)
}

// AskInt is Ask for a number.
func (p *Process) AskInt(line string) int {
	p.t.Helper()
	n, err := strconv.Atoi(p.Ask(line))
	if err != nil {
		p.t.Fatalf("%s: %v", line, err)
	}
	return n
}

// Logged waits for words in the process's log.
func (p *Process) Logged(words string) {
	p.t.Helper()
	Eventually(p.t, "the process logs "+words, func() bool { return strings.Contains(p.Log.String(), words) })
}
