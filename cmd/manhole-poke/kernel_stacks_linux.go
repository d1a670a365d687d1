//go:build (amd64 || arm64) && !lazy_nodebugger

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/debugger"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/values"
	"golang.org/x/sys/unix"
)

// Limits for reading the stacks of all goroutines, while the process stands
// still.
const (
	stacksTime = 10 * time.Second
	stacksSize = 64 << 20
)

// stacks shows the stacks of all goroutines, which Delve reads while the process
// stands still. It never leaves the process stopped or traced.
func (c *client) stacks(p *process.Process) error {
	if why := standsAlready(p); why != "" {
		return exit.Errorf(exit.Command, "no-stacks", "the stacks of %s cannot be read: %s", p, why)
	}
	if err := values.Check(p.Proc("exe"), ""); err != nil {
		return exit.Errorf(exit.Command, "no-stacks", "the stacks of %s cannot be read: its executable has no symbols that Delve can use", p)
	}
	ctx, stop := untilSignalled()
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, stacksTime, errLong)
	defer cancel()
	c.complain(fmt.Sprintf("%s stands still while its stacks are read", p))
	text := &limited{left: stacksSize}
	defer continueAfterDeath(p.PID)()
	began := time.Now()
	err := readStacks(ctx, p.PID, text)
	stood := time.Since(began).Round(time.Millisecond)
	if err != nil {
		return exit.Errorf(exit.Command, "no-stacks", "the stacks of %s cannot be read: %v; it stood still for at most %v", p, err, stood)
	}
	out := text.b.String()
	if isTerminal(c.stdout) {
		out = printable.Text(out)
	}
	if err := c.print("\n" + out); err != nil {
		return err
	}
	c.complain(fmt.Sprintf("%s stood still for %v", p, stood))
	return nil
}

var errLong = fmt.Errorf("they take longer than %v", stacksTime)

// standsAlready returns why a process cannot be stopped and continued, or "".
func standsAlready(p *process.Process) string {
	threads, err := os.ReadDir(p.Proc("task"))
	if err != nil {
		return err.Error()
	}
	for _, t := range threads {
		text, err := procfs.ReadFile(p.Proc("task/" + t.Name() + "/status"))
		if err != nil {
			continue
		}
		s, err := procfs.ParseStatus(text)
		switch {
		case err != nil:
		case s.Tracer != 0:
			return fmt.Sprintf("process %d traces it already", s.Tracer)
		case s.State == 'D':
			return fmt.Sprintf("its thread %s waits uninterruptibly in the kernel, and would not stop", t.Name())
		case slices.Contains([]byte("tTZX"), s.State):
			return "it does not run"
		}
	}
	return ""
}

// continueAfterDeath starts a shell that continues the process if this one is
// killed (SIGKILL) while Delve has it: the signal with which Delve stops it would
// then stop it for good. The returned function ends the shell. Without a shell
// there is none.
func continueAfterDeath(pid int) (done func()) {
	r, w, err := os.Pipe()
	if err != nil {
		return func() {}
	}
	defer r.Close()
	shell := exec.Command("/bin/sh", "-c", fmt.Sprintf("read done || { kill -CONT %d; sleep 1; kill -CONT %d; }", pid, pid))
	shell.Stdin = r
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	if err := shell.Start(); err != nil {
		w.Close()
		return func() {}
	}
	return func() {
		io.WriteString(w, "done\n")
		w.Close()
		shell.Wait()
	}
}

// readStacks has Delve attach, read, and let go, whatever happens.
func readStacks(ctx context.Context, pid int, w io.Writer) error {
	type opened struct {
		d   *debugger.Debugger
		err error
	}
	done := make(chan opened, 1)
	go func() {
		d, err := debugger.Open(debugger.Source{PID: pid, Alive: true}, w)
		done <- opened{d, err}
	}()
	var o opened
	select {
	case o = <-done:
	case <-ctx.Done():
		// It is let go as soon as it is had.
		select {
		case o = <-done:
		case <-time.After(stacksTime):
			// This process ends now, which lets go of the other. A signal to
			// stop that is under way to it is taken back.
			unix.Kill(pid, unix.SIGCONT)
			return context.Cause(ctx)
		}
	}
	if o.err != nil {
		return o.err
	}
	defer o.d.Close()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	defer context.AfterFunc(ctx, o.d.End)()
	err := runIn(ctx, o.d, "goroutines -t 50")
	if err != nil && errors.Is(err, context.Canceled) {
		err = context.Cause(ctx)
	}
	return err
}

// A limited keeps so many bytes.
type limited struct {
	b    strings.Builder
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, fmt.Errorf("they are longer than %d MiB", stacksSize>>20)
	}
	return l.b.Write(p)
}
