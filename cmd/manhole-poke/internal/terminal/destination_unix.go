//go:build linux || darwin || freebsd

package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/answer"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/lineedit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/outfile"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/pager"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/internal/frame"
	"golang.org/x/term"
)

// A destination is where an answer goes.
type destination struct {
	sink  session.Sink
	end   func(result) // called when the answer is complete, or will not be
	close func()       // called in any case
}

// A result is how a command ended.
type result struct {
	failed      string // what is wrong if the command failed
	interrupted bool   // by Ctrl-C, or because nobody reads the answer
	err         error  // of the session
}

func (t *console) destination(typed typedLine) (destination, error) {
	switch {
	case typed.pipe != "":
		return t.toProgram(typed.pipe)
	case typed.file != "":
		return t.toFile(typed)
	case t.Pager && !answer.IsStream(typed.line):
		return t.toPager(typed.line), nil
	}
	return t.toScreen(typed.line), nil
}

// toScreen shows the answer to line, or the report if that is empty.
func (t *console) toScreen(line string) (d destination) {
	painter := &stackPainter{w: t.screen, palette: t.colours}
	w := io.Writer(t.screen)
	if name, _, _ := strings.Cut(line, " "); name == "" || name == "stack" {
		w = painter
	}
	v := printable.NewWriter(w)
	d.sink.Out = v
	d.sink.Note = func(text string) {
		if strings.TrimSpace(text) != "" {
			t.aside(text)
		}
	}
	progress, endProgress := t.progress()
	d.sink.Progress = progress
	d.end = func(result) {
		endProgress()
		v.Close()
		painter.Close()
		t.screen.Flush()
	}
	d.close = func() {}
	return d
}

// progress returns a function that shows a bar, and one that removes it.
func (t *console) progress() (show func(frame.Progress), end func()) {
	bar, begun := NewProgress(t.Out), false
	show = func(p frame.Progress) {
		if !begun {
			begun = true
			t.aside("manhole-poke: Enter ends it early, Ctrl-C interrupts it\n")
		}
		t.screen.Flush()
		bar(p)
	}
	return show, func() {
		if begun {
			bar(frame.Progress{})
		}
	}
}

// toFile writes an answer to a file. An interrupted answer is kept if it is
// text, which is of use even if incomplete; that of a command that failed is
// not.
func (t *console) toFile(typed typedLine) (d destination, err error) {
	ctx, giveUp := context.WithCancelCause(t.s.Context())
	t.opening(giveUp)
	f, err := outfile.Create(ctx, typed.file, typed.force)
	t.opening(nil)
	if err != nil {
		giveUp(nil)
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%w; try another name, or >! to overwrite it", err)
		}
		return d, err
	}
	d = t.toScreen(typed.line) // for notes and progress
	w := &errWriter{w: f, failed: t.nobodyReads}
	d.sink.Out = w
	endScreen := d.end
	d.end = func(r result) {
		endScreen(r)
		if w.err != nil {
			t.complain(fmt.Errorf("cannot write %s: %w", typed.file, w.err))
			return
		}
		useful := r.interrupted && f.Size() > 0 && !t.s.IsBinary(typed.line)
		if r.err != nil || r.failed != "" && !useful {
			return
		}
		if err := f.Commit(); err != nil {
			t.complain(err)
			return
		}
		t.aside("manhole-poke: " + answer.Wrote(f.Name(), f.Size(), typed.line) + "\n")
	}
	d.close = func() {
		f.Discard()
		giveUp(nil)
	}
	return d, nil
}

var errGivenUp = errors.New("given up: nobody reads the pipe")

// opening makes Ctrl-C call giveUp, until it is called with nil: opening a pipe
// may take long.
func (t *console) opening(giveUp context.CancelCauseFunc) {
	t.mu.Lock()
	t.giveUp = giveUp
	t.mu.Unlock()
	if giveUp == nil {
		t.editor.During(nil)
		return
	}
	t.editor.During(func(key byte) {
		if key == lineedit.CtrlC {
			t.interrupt()
		}
	})
}

// An errWriter reports the first error and drops what comes after it, because
// the rest of the answer has to be read in any case.
type errWriter struct {
	w      io.Writer
	failed func()
	err    error
}

func (e *errWriter) Write(p []byte) (int, error) {
	if e.err == nil {
		if _, e.err = e.w.Write(p); e.err != nil {
			e.failed()
		}
	}
	return len(p), nil
}

// lend gives the terminal to a local program.
func (t *console) lend(command string) (*pager.Program, error) {
	t.screen.Flush()
	t.editor.Leave()
	return pager.Start(command, t.Out, t.Err, t.nobodyReads)
}

func (t *console) toProgram(command string) (d destination, err error) {
	p, err := t.lend(command)
	if err != nil {
		return d, err
	}
	d.sink.Out = p
	d.end = func(result) { p.Wait(t.s.Context()) }
	d.close = func() {}
	return d, nil
}

// toPager shows what does not fit on the screen in the user's pager, as
// printable text: not every pager does that.
func (t *console) toPager(line string) destination {
	d := t.toScreen(line)
	screen, endScreen := d.sink.Out, d.end
	var program *pager.Program
	var v *printable.Writer
	b := &pager.Buffer{
		Size: func() (int, int, error) { return term.GetSize(int(t.Out.Fd())) },
		Start: func() (w io.Writer, err error) {
			if program, err = t.lend(pager.Command()); err != nil {
				return nil, err
			}
			v = printable.NewWriter(program)
			return v, nil
		},
	}
	d.sink.Out = b
	d.end = func(r result) {
		if program == nil {
			screen.Write(b.Held())
		}
		endScreen(r)
		if program != nil {
			v.Close()
			program.Wait(t.s.Context())
		}
	}
	return d
}
