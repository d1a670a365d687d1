//go:build linux

// Package target starts the process under test, asks it for its counts and
// stops it.
//
// The process is the benchmark's own executable, started again with
// [Environment] set. It ends when its parent does, because it then reads the
// end of the pipe over which it takes requests.
package target

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Environment is the variable by which an executable knows that it is the
// process under test. Its value is a [Spec] as JSON.
const Environment = "LAZY_BENCH_TARGET"

// answerTimeout is how long the process may take to answer a request, and to
// end. It is generous: the storm of rings leaves little CPU time to others.
const answerTimeout = 2 * time.Minute

// A Spec says what the process runs.
type Spec struct {
	Server  string // a key of the map given to RunIfChild
	Armed   bool   // whether it calls lazy.Arm
	Signals bool   // whether the server handles signals as its users' does
	Dir     string // for all files; set by Start
}

// Socket is the path of the socket after a ring.
func (s Spec) Socket() string { return filepath.Join(s.Dir, "manhole") }

// A Process is a running process under test.
type Process struct {
	Spec Spec
	PID  int
	Addr string // of the server

	cmd    *exec.Cmd
	stderr string // a file
	mu     sync.Mutex
	w      io.WriteCloser
	r      *bufio.Reader
	pipes  []*os.File
	gone   chan struct{}
	err    error // of Wait, once gone is closed
}

// Start starts the process and returns when its server accepts connections.
func Start(spec Spec) (p *Process, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if spec.Dir, err = os.MkdirTemp("", "lazybench"); err != nil {
		return nil, err
	}
	p = &Process{Spec: spec, stderr: filepath.Join(spec.Dir, "stderr"), gone: make(chan struct{})}
	defer func() {
		if err != nil {
			p.Stop()
			os.RemoveAll(spec.Dir)
		}
	}()
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	stderr, err := os.Create(p.stderr)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	requestR, requestW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer requestR.Close()
	answerR, answerW, err := os.Pipe()
	if err != nil {
		requestW.Close()
		return nil, err
	}
	defer answerW.Close()
	p.w, p.r = requestW, bufio.NewReader(answerR)
	p.pipes = []*os.File{requestW, answerR}

	p.cmd = exec.Command(exe)
	// Servers keep files in the home directory; all of them belong in Dir,
	// where they are counted and removed.
	p.cmd.Env = append(os.Environ(), Environment+"="+string(text), "HOME="+spec.Dir, "TMPDIR="+spec.Dir,
		"XDG_DATA_HOME="+spec.Dir, "XDG_CONFIG_HOME="+spec.Dir)
	p.cmd.Dir = spec.Dir
	p.cmd.Stdout, p.cmd.Stderr = stderr, stderr
	// Ctrl-C at the terminal is for the benchmark, which then ends the process.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.ExtraFiles = []*os.File{requestR, answerW}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.PID = p.cmd.Process.Pid
	go func() {
		p.err = p.cmd.Wait()
		close(p.gone)
	}()
	var r ready
	if err := p.read(&r); err != nil {
		return nil, err
	}
	if r.Error != "" {
		return nil, fmt.Errorf("%s: %s", spec.Server, r.Error)
	}
	p.Addr = r.Addr
	return p, nil
}

// Count asks the process for what only it knows, and looks up the rest.
func (p *Process) Count() (Counts, error) {
	var c Counts
	if err := p.ask("count", &c); err != nil {
		return c, err
	}
	err := c.lookUp(p)
	return c, err
}

// Churn starts or stops the churn (see churn.go), and returns when that is done.
func (p *Process) Churn(on bool) error {
	request := "calm"
	if on {
		request = "churn"
	}
	var r ready
	return p.ask(request, &r)
}

// Alive reports whether the process has not ended.
func (p *Process) Alive() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// Stop ends the process and removes its files. It returns an error if the
// process had ended before, or ends in any way but the intended one. It may be
// called again.
func (p *Process) Stop() error {
	for _, f := range p.pipes {
		f.Close() // the process ends when it reads the end of its requests
	}
	if p.cmd == nil || p.cmd.Process == nil {
		return nil
	}
	select {
	case <-p.gone:
	case <-time.After(answerTimeout):
		p.cmd.Process.Kill()
		<-p.gone
		return fmt.Errorf("process %d did not end in time", p.PID)
	}
	if p.err != nil {
		return p.crash()
	}
	os.RemoveAll(p.Spec.Dir)
	return nil
}

func (p *Process) ask(request string, answer any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := fmt.Fprintln(p.w, request); err != nil {
		return errors.Join(p.crash(), err)
	}
	return p.read(answer)
}

func (p *Process) read(answer any) error {
	p.pipes[1].SetReadDeadline(time.Now().Add(answerTimeout))
	line, err := p.r.ReadBytes('\n')
	if err != nil {
		if errors.Is(err, io.EOF) {
			<-p.gone // only its end closes the other end of the pipe
		}
		return errors.Join(p.crash(), err)
	}
	return json.Unmarshal(line, answer)
}

// crash describes how the process ended, with what it wrote last, or returns
// nil if it runs.
func (p *Process) crash() error {
	if p.Alive() {
		return nil
	}
	output, _ := os.ReadFile(p.stderr)
	return fmt.Errorf("process %d ended: %v; its output is kept in %s:\n%s", p.PID, p.err, p.stderr, excerpt(string(output)))
}

// excerpt is the beginning of the runtime's last words, or else the last lines.
func excerpt(output string) string {
	const most = 60
	lines := strings.Split(strings.TrimSpace(output), "\n")
	for i, line := range lines {
		for _, start := range []string{"fatal error:", "panic:", "SIG", "runtime:", "unexpected fault"} {
			if strings.HasPrefix(line, start) {
				return strings.Join(lines[i:min(i+most, len(lines))], "\n")
			}
		}
	}
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
