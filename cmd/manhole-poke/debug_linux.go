//go:build (amd64 || arm64) && !lazy_nodebugger

package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/debugger"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/frozen"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/lineedit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/values"
)

// debugTime is how long a copy is held for the debugger. It ends earlier with
// the session.
const debugTime = time.Hour

// debug runs Delve on a frozen copy of a process, or on a core file.
func (c *client) debug(args []string) error {
	ctx, stop := untilSignalled()
	defer stop()
	if c.core != "" {
		return c.debugCore(ctx, args)
	}
	if len(args) != 1 {
		return usagef("debug takes one PID, NAME or PATH; try manhole-poke debug PID, or manhole-poke debug --core FILE EXECUTABLE")
	}
	t, err := c.parseTarget(args[0])
	if err != nil {
		return err
	}
	ro, err := c.ring()
	if err != nil {
		return err
	}
	watched := isTerminal(c.stderr)
	s, err := session.Connect(ctx, t, ro, session.Options{Timeout: c.timeout, Progress: watched})
	if exit.StatusOf(err) == exit.Timeout && t.PID != 0 {
		return c.debugWedged(ctx, t.PID, err)
	}
	if err != nil {
		return belowWrapper(t, err, func(target string) string { return "manhole-poke debug " + target })
	}
	defer s.Close()
	// Delve takes other symbols than the process's own for a core file only.
	o := frozen.Options{Trace: true, Duration: debugTime, Core: c.exe != ""}
	if watched {
		var sink session.Sink
		c.watch(ctx, &sink, &current{}, false)
		o.Note, o.Progress = sink.Note, sink.Progress
	}
	copied, err := frozen.Take(ctx, s, o)
	if err != nil {
		return err
	}
	defer copied.Close()
	err = c.debugCopy(ctx, copied, s.Process().String())
	if ctx.Err() == nil {
		copied.Close()
		s.Leave()
	}
	return err
}

// debugWedged runs Delve on a copy that the signal handler made of a process
// which gave no session because its scheduler is dead.
func (c *client) debugWedged(ctx context.Context, pid int, silent error) error {
	copied, of, err := c.lastResort(ctx, pid, silent)
	if err != nil {
		return err
	}
	defer copied.Close()
	if err := copied.ToCore(ctx); err != nil {
		return err
	}
	return c.debugCopy(ctx, copied, of)
}

// debugCopy runs Delve on a copy, or on a core file of one.
func (c *client) debugCopy(ctx context.Context, copied *frozen.Copy, of string) error {
	if err := values.Check(copied.Exe, c.exe); err != nil {
		return noDebugger(err)
	}
	source := debugger.Source{PID: copied.PID, Core: copied.Core, Exe: cmp.Or(c.exe, copied.Exe)}
	var gone func() bool
	if copied.PID != 0 {
		gone = func() bool { return !copied.Same() }
	}
	return c.debugger(ctx, source, gone, greetingOf(copied, of))
}

func noDebugger(err error) error {
	return exit.Errorf(exit.Command, "no-debugger", "the debugger cannot be used: %v", err)
}

// greetingOf says what the debugger looks at.
func greetingOf(c *frozen.Copy, of string) string {
	var b strings.Builder
	n := c.Note
	if c.PID == 0 {
		fmt.Fprintf(&b, "A core file of a copy of %s, fetched just now; the process goes on.", of)
	} else {
		fmt.Fprintf(&b, "A copy of %s, taken at %s.", of, n.Taken.Local().Format("15:04:05.000"))
		if n.Pause > 0 {
			fmt.Fprintf(&b, " The program stood still for %v, and goes on.", n.Pause.Round(10*time.Microsecond))
		}
		b.WriteByte('\n')
		if n.Goroutines > 0 {
			fmt.Fprintf(&b, "%d goroutines. ", n.Goroutines)
		}
		if n.Exact {
			b.WriteString("All are shown exactly where they were.")
		} else {
			fmt.Fprintf(&b, "Those that ran are shown where they last waited: %s.", n.Why)
		}
	}
	b.WriteString("\nIt contains the whole memory of the process, secrets too. help lists the commands of Delve;\nthose that would run or change the copy are refused. exit or Ctrl-D ends the copy")
	if c.PID != 0 && !n.Until.IsZero() {
		fmt.Fprintf(&b, ", which ends by itself at %s", n.Until.Local().Format("15:04"))
	}
	b.WriteString(".")
	return b.String()
}

// debugCore runs Delve on a core file that was taken elsewhere.
func (c *client) debugCore(ctx context.Context, args []string) error {
	if len(args) > 1 {
		return usagef("debug --core FILE takes one executable; try manhole-poke debug --core FILE EXECUTABLE")
	}
	info, err := debugger.ReadCore(c.core)
	if err != nil {
		return exit.Errorf(exit.LocalIO, "file", "cannot use %s: %v", c.core, err)
	}
	exe := c.exe
	switch {
	case len(args) == 1:
		exe = args[0]
	case exe == "":
		exe = info.Exe
	}
	where := "the answer to the command binary, in a session with the process"
	if exe == "" {
		return usagef("the executable is needed too, and the core file does not name it; get it as %s: manhole-poke debug --core %s EXECUTABLE", where, printable.Shell(c.core))
	}
	if err := info.Matches(exe); err != nil {
		if len(args) == 0 && c.exe == "" {
			return usagef("the executable of process %s is needed too: it was %s there, which cannot be used here (%v); get it as %s: manhole-poke debug --core %s EXECUTABLE", info.Name, exe, err, where, printable.Shell(c.core))
		}
		return exit.Errorf(exit.Usage, "another-build", "%s is not the executable of this core file (%v); the right one is %s", exe, err, where)
	}
	twin := ""
	if c.exe != "" && c.exe != exe {
		twin = c.exe
	}
	if err := values.Check(exe, twin); err != nil {
		return noDebugger(err)
	}
	if twin != "" {
		exe = twin
	}
	return c.debugger(ctx, debugger.Source{Core: c.core, Exe: exe}, nil,
		fmt.Sprintf("The core file %s of process %s, with %s. It contains the whole memory of the process, secrets too.\nhelp lists the commands of Delve; those that would run or change it are refused. exit or Ctrl-D leaves.", c.core, info.Name, exe))
}

// gonePause is how often the debugger looks whether its copy is still there.
const gonePause = 200 * time.Millisecond

// debugger runs Delve's commands, typed or from standard input.
func (c *client) debugger(ctx context.Context, source debugger.Source, gone func() bool, greeting string) error {
	out := io.Writer(c.stdout)
	if isTerminal(c.stdout) {
		v := printable.NewWriter(out)
		defer v.Close()
		out = v
	}
	type opened struct {
		d   *debugger.Debugger
		err error
	}
	o, err := whileWaiting(ctx, func() (opened, error) {
		d, err := debugger.Open(source, out)
		return opened{d, err}, nil
	})
	switch {
	case err != nil:
		return err
	case o.err != nil:
		return noDebugger(o.err)
	}
	d := o.d
	defer d.Close()
	var watching sync.WaitGroup
	defer watching.Wait() // the copy is closed afterwards
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, d.End)()
	if gone != nil {
		watching.Go(func() {
			// The process does not see the end of a child that is traced.
			for tick := time.Tick(gonePause); !gone(); {
				select {
				case <-tick:
				case <-ctx.Done():
					return
				}
			}
			cancel(exit.Errorf(exit.Broken, "copy-ended", "the copy has ended: its time was over, the process has exited, or there was no memory left for it"))
		})
	}
	if isTerminal(c.stdin) && isTerminal(c.stdout) {
		if err := c.print(printable.Text(greeting)); err != nil {
			return err
		}
		return c.debugTyped(ctx, cancel, d)
	}
	return c.debugScript(ctx, d)
}

// runIn runs a line, and gives up on it soon after ctx.
func runIn(ctx context.Context, d *debugger.Debugger, line string) error {
	done := make(chan error, 1)
	go func() { done <- d.Run(line) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case <-done:
	case <-time.After(time.Second):
	}
	return context.Cause(ctx)
}

// leaveAfter is how long a command may go on after Ctrl-C, until another Ctrl-C
// leaves.
const leaveAfter = time.Second

// debugTyped runs what is typed.
func (c *client) debugTyped(ctx context.Context, leave context.CancelCauseFunc, d *debugger.Debugger) error {
	e := lineedit.New(lineedit.Config{Program: "manhole-poke-debug", Prompt: "(dlv) ", Complete: d.Complete})
	defer e.Leave()
	var running atomic.Bool
	var interrupted atomic.Int64 // when, of the command that runs
	if !signal.Ignored(os.Interrupt) {
		// Ctrl-C ends a command here, not the program.
		interrupts := make(chan os.Signal, 1)
		signal.Reset(os.Interrupt)
		signal.Notify(interrupts, os.Interrupt)
		defer signal.Stop(interrupts)
		go func() {
			for {
				select {
				case <-interrupts:
				case <-ctx.Done():
					return
				}
				since := time.Unix(0, interrupted.Load())
				switch {
				case !running.Load():
					e.Interrupt()
				case interrupted.Load() == 0:
					interrupted.Store(time.Now().UnixNano())
					d.Interrupt()
				case time.Since(since) > leaveAfter:
					leave(exit.Errorf(exit.Signalled+exit.Status(syscall.SIGINT), "interrupted", "left while a command ran; the copy has ended"))
				}
			}
		}()
	}
	last := ""
	for {
		if err := e.Listen(); err != nil {
			return exit.Errorf(exit.LocalIO, "input", "cannot read the terminal: %v", err)
		}
		line, err := e.Line(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == lineedit.ErrInterrupted {
			continue
		}
		if err != nil {
			return nil // Ctrl-D, or the terminal is gone
		}
		if strings.TrimSpace(line) == "" {
			line = last // as Delve does
		}
		if last = line; strings.TrimSpace(line) == "" {
			continue
		}
		e.Remember(line)
		interrupted.Store(0)
		running.Store(true)
		err = runIn(ctx, d, line)
		running.Store(false)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, debugger.ErrLeft):
			return nil
		case errors.As(err, new(debugger.OutputError)):
			return exit.Errorf(exit.LocalIO, "output", "cannot write the answer: %v", err)
		case err != nil:
			fmt.Fprintln(c.stderr, "Command failed:", strings.TrimRight(printable.Text(err.Error()), "\n"))
		}
	}
}

// debugScript runs the lines of standard input. It goes on after a command that
// fails, and fails in the end.
func (c *client) debugScript(ctx context.Context, d *debugger.Debugger) error {
	in := bufio.NewReaderSize(c.stdin, 64<<10)
	var failed error
	for {
		text, err := whileWaiting(ctx, func() (string, error) {
			line, err := in.ReadString('\n')
			if line != "" {
				err = nil
			}
			return line, err
		})
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == io.EOF:
			return failed
		case err != nil:
			return exit.Errorf(exit.LocalIO, "input", "cannot read the script: %v", err)
		}
		line := strings.TrimSpace(text)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		switch err := runIn(ctx, d, line); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, debugger.ErrLeft):
			return failed
		case errors.As(err, new(debugger.OutputError)):
			return brokenPipe(c.stdout)
		case err != nil:
			if failed != nil {
				c.complain(failed.Error())
			}
			failed = exit.Errorf(exit.Command, "command-failed", "%s: %v", line, err)
		}
	}
}
