//go:build linux || darwin || freebsd

package pager

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/spool"
)

// A Program is a local program that reads an answer on its standard input.
type Program struct {
	cmd    *exec.Cmd
	in     *spool.Spool
	stdin  io.Closer
	exited chan struct{}
}

// Start starts a shell command. When the program exits, onExit is called from
// another goroutine, and has returned when [Program.Wait] returns.
func Start(command string, stdout, stderr *os.File, onExit func()) (*Program, error) {
	cmd := exec.Command("sh", "-c", command)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", command, err)
	}
	p := &Program{cmd: cmd, in: spool.New(stdin), stdin: stdin, exited: make(chan struct{})}
	go func() {
		cmd.Wait() // the program reports its own errors
		onExit()
		close(p.exited)
	}()
	return p, nil
}

// Write implements io.Writer. It never fails, because a program may read as
// little as it likes.
func (p *Program) Write(b []byte) (int, error) {
	p.in.Write(b)
	return len(b), nil
}

// Wait ends the program's input and waits until it exits. When ctx is done,
// the program gets SIGTERM.
func (p *Program) Wait(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { p.cmd.Process.Signal(syscall.SIGTERM) })()
	p.in.Flush()
	p.stdin.Close()
	<-p.exited
}
