//go:build unix

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/spool"
	"golang.org/x/term"
)

// A helper is a local program that reads an answer.
type helper struct {
	cmd   *exec.Cmd
	in    *spool.Spool
	stdin io.Closer
	gone  chan struct{} // closed when it has exited
}

// startHelper starts a command of the shell. exited is called when it has,
// before end returns.
func startHelper(command string, exited func()) (*helper, error) {
	cmd := exec.Command("sh", "-c", command)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, failf(statusHere, "cannot start %s: %v", command, err)
	}
	h := &helper{cmd: cmd, in: spool.New(stdin), stdin: stdin, gone: make(chan struct{})}
	go func() {
		cmd.Wait() // what is wrong it has said itself
		exited()
		close(h.gone)
	}()
	return h, nil
}

// Write never fails: a helper may read as little as it likes.
func (h *helper) Write(p []byte) (int, error) {
	h.in.Write(p)
	return len(p), nil
}

// end returns when the helper has read all and exited, as it has to when ctx
// is done.
func (h *helper) end(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { h.cmd.Process.Signal(syscall.SIGTERM) })()
	h.in.Flush()
	h.stdin.Close()
	<-h.gone
}

// pagerCommand is what shows long texts.
func pagerCommand() string {
	if p := os.Getenv("PAGER"); p != "" {
		return p
	}
	if _, err := exec.LookPath("less"); err == nil {
		return "less"
	}
	return "more"
}

// A longAnswer starts the pager when it turns out to be longer than the
// terminal is high.
type longAnswer struct {
	start func() (io.Writer, error)
	held  bytes.Buffer
	pager io.Writer
}

func (l *longAnswer) Write(p []byte) (int, error) {
	if l.pager != nil {
		return l.pager.Write(p)
	}
	l.held.Write(p)
	columns, lines, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || height(l.held.String(), columns) < lines {
		return len(p), nil
	}
	if l.pager, err = l.start(); err == nil {
		_, err = l.pager.Write(l.held.Bytes())
	}
	return len(p), err
}

// height is how many lines text takes on a terminal, about.
func height(text string, columns int) (n int) {
	for line := range strings.Lines(text) {
		n += 1 + max(0, len(line)-1)/max(1, columns)
	}
	return n
}
