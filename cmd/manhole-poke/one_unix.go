//go:build linux || darwin || freebsd

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/answer"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/inspect"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/outfile"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/pager"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/ring"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/terminal"
	"github.com/go-manhole/lazy/internal/frame"
	"golang.org/x/term"
)

// askOne runs the lines in one process and shows the answers as they come.
func (c *client) askOne(ctx context.Context, ro ring.Options, t ring.Target, lines []string) error {
	var file *outfile.File
	if c.out != "" {
		var err error
		if file, err = c.createFile(ctx, c.out); err != nil {
			return err
		}
		defer file.Discard()
	}
	watched := isTerminal(c.stderr)
	s, err := session.Connect(ctx, t, ro, session.Options{Timeout: c.timeout, Progress: watched})
	if exit.StatusOf(err) == exit.Timeout && file == nil && inCopy(lines) {
		return c.askLastResort(ctx, t, lines, err)
	}
	if err != nil {
		return err
	}
	defer s.Close()
	current := &current{inspector: c.inspector(s)}
	defer current.inspector.Release()
	out, shown := c.paged(ctx, lines, current.leave)
	defer shown()
	sink := session.Sink{Out: out}
	switch {
	case file != nil:
		sink.Out = file
	case out == c.stdout && isTerminal(c.stdout):
		v := printable.NewWriter(out)
		defer v.Close()
		sink.Out = v
	}
	if watched {
		c.watch(ctx, &sink, current, out == c.stdout) // else the pager has the keys
	}
	var failures []string
	for _, line := range lines {
		if file == nil && s.IsBinary(line) && isTerminal(c.stdout) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			return exit.Errorf(exit.Usage, "binary-to-terminal", "the answer to %q is binary, not for a terminal; try manhole-poke -o %s %s %s", name, printable.Shell(answer.FileName(strings.Fields(line))), printable.Shell(t.String()), shellWords(line))
		}
		failed, err := current.run(line, sink)
		if err != nil {
			return err
		}
		if current.left.Load() {
			break
		}
		if failed != "" {
			failed = c.misplaced(t, line, failed)
			failures = append(failures, failed)
			if len(lines) > 1 {
				c.complain(failed)
			}
		}
	}
	current.inspector.Release()
	s.Leave()
	if err := commandsFailed(failures, len(lines)); err != nil || file == nil {
		return err
	}
	return c.commit(file, lines[0])
}

// commandsFailed returns the error for what failed of so many commands.
func commandsFailed(failures []string, commands int) error {
	switch {
	case len(failures) == 0:
		return nil
	case commands == 1:
		return exit.Errorf(exit.Command, "command-failed", "%s", failures[0])
	}
	return exit.Errorf(exit.Command, "commands-failed", "%d of %d commands failed", len(failures), commands)
}

// inspector returns what runs the lines of one run in a session.
func (c *client) inspector(s *session.Session) *inspect.Inspector {
	return inspect.New(s, inspect.Options{Symbols: c.exe, JSON: c.json, Keep: true})
}

// current is the request that is being answered.
type current struct {
	inspector *inspect.Inspector
	left      atomic.Bool // nobody wants more answers

	mu      sync.Mutex
	request inspect.Request
}

func (c *current) run(line string, sink session.Sink) (failed string, err error) {
	r := c.inspector.Start(line)
	c.set(r)
	defer c.set(nil)
	if c.left.Load() {
		r.Interrupt()
	}
	return r.Wait(sink)
}

func (c *current) set(r inspect.Request) {
	c.mu.Lock()
	c.request = r
	c.mu.Unlock()
}

// leave interrupts the command; the answers after it are not wanted either.
func (c *current) leave() {
	c.left.Store(true)
	c.each(inspect.Request.Interrupt)
}

func (c *current) finish() { c.each(inspect.Request.Finish) }

func (c *current) each(f func(inspect.Request)) {
	c.mu.Lock()
	r := c.request
	c.mu.Unlock()
	if r != nil {
		f(r)
	}
}

// watch shows notes and progress on standard error, and has Enter end early what
// takes its time if keys says so.
func (c *client) watch(ctx context.Context, sink *session.Sink, current *current, keys bool) {
	listen := sync.OnceFunc(func() {
		if keys {
			go finishOnEnter(ctx, c.stdin, current.finish, unreadInput(c.stdin))
		}
	})
	progress := terminal.NewProgress(c.stderr)
	// One of these comes first from whatever Enter ends.
	sink.Note = func(text string) {
		listen()
		fmt.Fprintln(c.stderr, printable.Line(text))
	}
	sink.Progress = func(p frame.Progress) {
		listen()
		progress(p)
	}
}

// createFile starts a file for an answer.
func (c *client) createFile(ctx context.Context, name string) (*outfile.File, error) {
	f, err := outfile.Create(ctx, name, c.force)
	switch {
	case err == nil:
		return f, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, fs.ErrExist):
		return nil, exit.Errorf(exit.LocalIO, "file-exists", "%v; try another name, or -f to overwrite it", err)
	}
	return nil, exit.Errorf(exit.LocalIO, "file", "%v", err)
}

// commit gives a file its name, and says so.
func (c *client) commit(f *outfile.File, line string) error {
	if err := f.Commit(); err != nil {
		return exit.Errorf(exit.LocalIO, "file", "%v", err)
	}
	c.complain(answer.Wrote(f.Name(), f.Size(), line))
	return nil
}

// paged returns where answers are shown: in the pager if that was asked for,
// standard output is a terminal, and they are longer than it is high. exited is
// called when the pager exits, and shown returns when all is shown.
func (c *client) paged(ctx context.Context, lines []string, exited func()) (out io.Writer, shown func()) {
	if !c.pager || c.out != "" || !isTerminal(c.stdout) || slices.ContainsFunc(lines, answer.IsStream) {
		return c.stdout, func() {}
	}
	var p *pager.Program
	var v *printable.Writer // as not every pager shows control characters: more does not
	b := &pager.Buffer{
		Size: func() (columns, lines int, err error) { return term.GetSize(int(c.stdout.Fd())) },
		Start: func() (w io.Writer, err error) {
			if p, err = pager.Start(pager.Command(), c.stdout, c.stderr, exited); err != nil {
				return nil, err
			}
			v = printable.NewWriter(p)
			return v, nil
		},
	}
	return b, func() {
		if p == nil {
			io.WriteString(c.stdout, printable.Text(string(b.Held())))
			return
		}
		v.Close()
		p.Wait(ctx)
	}
}
