//go:build linux || darwin || freebsd

package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/frozen"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/values"
	"github.com/go-manhole/lazy/stackdump"
)

// Options say how values are read and shown.
type Options struct {
	Symbols string // the executable's twin with the symbols, or ""
	JSON    bool
	Help    func(topic string) (text string, ok bool) // about the commands here, or nil
	Keep    bool                                      // the copy, for the next question, until a command of the session is run
}

// An Inspector runs lines: those that this package understands itself, and the
// others in the session. It is for one goroutine, but for the methods of
// requests.
type Inspector struct {
	s       *session.Session // nil if there is only a copy
	only    *frozen.Copy     // the copy, without a session
	o       Options
	copy    *frozen.Copy
	program *values.Program
	stuck   bool // a question was given up, which may still use the others
}

// New returns an Inspector for a session.
func New(s *session.Session, o Options) *Inspector { return &Inspector{s: s, o: o} }

// Of returns an Inspector for a copy of a process that holds no session. It
// answers what can be answered from the copy. Release does not end the copy.
func Of(c *frozen.Copy, o Options) *Inspector { return &Inspector{only: c, copy: c, o: o} }

// InCopy reports whether an Inspector without a session answers a line.
func InCopy(line string) bool {
	name, _ := nextWord(line)
	_, _, isStack := parseStack(line)
	return shows(name) || isStack
}

var errOnlyCopy = errors.New("the process runs nothing, so only print, whatis, globals, locals and stack (without -label, -min-wait, raw, json and diff) can be answered, from a copy of it")

// context returns the context of the session.
func (i *Inspector) context() context.Context {
	if i.s == nil {
		return context.Background()
	}
	return i.s.Context()
}

// A Request is a line that is being answered, as [session.Request] is.
type Request interface {
	Wait(session.Sink) (failed string, err error)
	Interrupt()
	Finish()
}

// Is reports whether a line is for this package.
func (i *Inspector) Is(line string) bool {
	if i.s == nil {
		return true
	}
	name, rest := nextWord(line)
	c, _, known := i.s.Command([]string{name})
	switch {
	case shows(name):
		return !known // the program's own has precedence
	case name == "stack":
		return diffFile(line) != ""
	case name == "help" && i.o.Help != nil:
		return i.Is(rest)
	case name == "set":
		word, _ := nextWord(rest)
		return !known || isPlumbing(c) && !strings.HasPrefix(word, "-") && !strings.Contains(rest, " -at ")
	}
	return false
}

// Start runs a line. The request before it must have been waited for.
func (i *Inspector) Start(line string) Request {
	if !i.Is(line) {
		i.Release()
		return i.s.Start(line)
	}
	r := &local{i: i, line: line}
	r.ctx, r.cancel = context.WithCancelCause(i.context())
	return r
}

// Release ends the copy.
func (i *Inspector) Release() {
	if i.stuck {
		return // it goes with the session
	}
	if i.program != nil {
		i.program.Close()
		i.program = nil
	}
	if i.copy != nil && i.copy != i.only {
		i.copy.Close()
		i.copy = nil
	}
}

// A local is a line that is answered here.
type local struct {
	i      *Inspector
	line   string
	ctx    context.Context
	cancel context.CancelCauseFunc
}

var errInterrupted = errors.New("interrupted")

func (r *local) Interrupt() { r.cancel(errInterrupted) }
func (r *local) Finish()    {}

// Wait answers the line.
func (r *local) Wait(sink session.Sink) (failed string, err error) {
	defer r.cancel(nil)
	if !r.i.o.Keep {
		defer r.i.Release()
	}
	text, q, err := r.answer(sink)
	if err != nil && r.i.context().Err() != nil {
		return "", context.Cause(r.i.context())
	}
	if err != nil {
		failed := printable.Line(err.Error())
		if !strings.HasPrefix(failed, q.name+": ") {
			failed = q.name + ": " + failed
		}
		if r.i.s == nil {
			return failed, nil
		}
		select {
		case <-r.i.s.Ended():
			return failed, r.i.s.Err()
		default:
			return failed, nil
		}
	}
	if !r.i.o.JSON {
		text = printable.Text(text)
	}
	if _, err := io.WriteString(sink.Out, text); err != nil {
		return "", exit.Errorf(exit.LocalIO, "output", "cannot write the answer: %v", err)
	}
	return "", nil
}

// patience is how long an interrupted question may take to end. One that waits
// for a file system that does not answer, as a hostile program may have its
// executable on, does not end.
const patience = 2 * time.Second

// answer returns the answer.
func (r *local) answer(sink session.Sink) (text string, q question, err error) {
	if q, err = parse(r.line); err != nil {
		return "", q, err
	}
	if r.i.s == nil && !InCopy(r.line) {
		return "", q, errOnlyCopy
	}
	if r.i.stuck {
		return "", q, errors.New("the question before still waits for a file; end the session")
	}
	var b strings.Builder
	ended := make(chan error, 1)
	go func() { ended <- r.i.answer(r.ctx, q, &b, sink) }()
	select {
	case err = <-ended:
		return b.String(), q, err
	case <-r.ctx.Done():
	}
	select {
	case err = <-ended:
		return b.String(), q, err
	case <-time.After(patience):
		r.i.stuck = true
		return "", q, context.Cause(r.ctx)
	}
}

// answer writes the answer to w.
func (i *Inspector) answer(ctx context.Context, q question, w io.Writer, sink session.Sink) error {
	switch q.name {
	case "help":
		text, ok := i.o.Help(strings.TrimSpace(q.rest))
		if !ok {
			return errors.New("one command at a time; try help print")
		}
		_, err := io.WriteString(w, text)
		return err
	case "set":
		if _, _, ok := i.s.Command([]string{"set"}); !ok {
			return errors.New("this session cannot: the program only lets itself be observed (lazy.WithReadOnly), or its version of lazy is older than set")
		}
	}
	if i.s != nil && q.name == "stack" {
		return i.diff(ctx, q.name+" "+q.rest, w, sink)
	}
	if err := i.open(ctx, sink); err != nil {
		return err
	}
	var shown any
	switch q.name {
	case "print":
		v, err := i.program.Eval(ctx, q.rest, q.at, q.limits)
		if err != nil {
			return err
		}
		if shown = values.Of(v); !i.o.JSON {
			values.Write(w, v)
		}
	case "whatis":
		t, err := i.program.Type(ctx, q.rest, q.at)
		if err != nil {
			return err
		}
		if shown = t; !i.o.JSON {
			io.WriteString(w, t.String())
		}
	case "globals":
		all, err := i.program.Globals(ctx, q.match, q.limits)
		if err == nil && len(all) == 0 {
			err = fmt.Errorf("no package variable's full name matches %v; try globals . for all", q.match)
		}
		if err != nil {
			return err
		}
		if shown = values.All(all); !i.o.JSON {
			values.WriteAll(w, all)
		}
	case "locals":
		f, err := i.program.Locals(ctx, q.at, q.limits)
		if err != nil {
			return err
		}
		if shown = f; !i.o.JSON {
			fmt.Fprintf(w, "goroutine %d, frame %d: %s at %s:%d\n", f.Goroutine, f.Frame, f.Function, f.File, f.Line)
			values.WriteAll(w, f.Variables)
			if len(f.Frames) > 1 {
				io.WriteString(w, "frames:")
				for n, function := range f.Frames {
					fmt.Fprintf(w, " %d %s", n, function)
				}
				io.WriteString(w, "\n")
			}
		}
	case "stack":
		d, err := i.program.Stacks(ctx, i.copy.Note.Taken)
		if err != nil {
			return err
		}
		if i.o.JSON {
			return d.WriteJSON(w)
		}
		f, groups, _ := parseStack(q.name + " " + q.rest)
		return d.Filter(f).Render(w, stackdump.RenderOptions{Groups: groups})
	case "set":
		return i.set(ctx, q, w, sink)
	}
	if !i.o.JSON {
		return nil
	}
	text, err := printable.JSON(shown)
	w.Write(text)
	return err
}

// open makes a copy and reads the symbols, unless that was done.
func (i *Inspector) open(ctx context.Context, sink session.Sink) (err error) {
	switch {
	case i.copy != nil && i.copy == i.only:
		if i.program == nil {
			err = i.read(ctx)
		}
		return err
	case i.copy != nil:
		select {
		case <-i.copy.Ended():
			i.Release() // its time was over
		default:
			return nil
		}
	}
	if i.copy, err = frozen.Take(ctx, i.s, frozen.Options{Note: sink.Note, Progress: sink.Progress}); err != nil {
		return err
	}
	if sink.Note != nil {
		sink.Note(describe(i.copy))
	}
	return i.read(ctx)
}

// read reads the symbols.
func (i *Inspector) read(ctx context.Context) (err error) {
	c := i.copy
	source := values.Source{Memory: c.Memory, Auxv: c.Auxv, Core: c.Core, Exe: c.Exe, Symbols: i.o.Symbols}
	if c.PID != 0 {
		source.There = c.Same
	}
	if c.Thread != nil {
		source.Thread = &values.Thread{ID: c.Thread.ID, Context: c.Thread.Context}
	}
	if i.program, err = values.Open(ctx, source); err != nil {
		i.Release()
	}
	return err
}

// describe says what the values are of.
func describe(c *frozen.Copy) string {
	text := "from a copy"
	if !c.Note.Taken.IsZero() {
		text += " taken at " + c.Note.Taken.Local().Format("15:04:05.000")
	}
	if c.Note.Pause > 0 {
		text += fmt.Sprintf("; the program stood still for %v", c.Note.Pause.Round(10*time.Microsecond))
	}
	if !c.Note.Exact && c.Note.Why != "" {
		text += "; the places of goroutines that ran are not exact: " + c.Note.Why
	}
	return text
}
