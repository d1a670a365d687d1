//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/lineedit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/internal/frame"
)

// A running is a command whose answer is awaited.
type running struct {
	what        string
	phase       phase
	interrupted time.Time // when Ctrl-C was last typed
	finished    bool      // Enter was
	mark        string    // see terminal.mark
}

type phase int

const (
	awaiting phase = iota // the answer
	settling              // see terminal.settle
	showing               // what is left to do is done here
)

// run has a line answered. Its error is about the session, which is over then.
// With an empty line it is the answer that comes without one.
func (t *terminal) run(typed typedLine) error {
	d, err := t.destination(typed)
	if err != nil {
		t.complain("manhole-poke: " + printable.Line(err.Error()))
		return t.listen()
	}
	defer d.close()
	name, _, _ := strings.Cut(typed.line, " ")
	t.begin(typed.line)
	defer t.end()
	if t.said != nil {
		<-t.said
		t.said = nil
	}
	failed, err := t.c.answer(d.sink)
	if err == nil {
		failed, err = t.settle(failed)
	}
	t.turnTo(showing)
	if typed.line == "help" && failed == "" && err == nil {
		io.WriteString(d.sink.out, localHelp())
	}
	d.end(failed, err)
	t.screen.Flush() // after which nothing is dropped any more
	if failed != "" && !t.unread && !(endless(typed.line) && !t.now.interrupted.IsZero()) {
		t.complain("lazy: error: " + failed)
	}
	switch {
	case err != nil:
		return err
	case name == "quit" && failed == "":
		t.c.leave()
		return errLeft
	}
	return t.listen() // if a helper had the terminal
}

// begin sends the line before anything else that is said of the command.
func (t *terminal) begin(line string) {
	t.mu.Lock()
	t.now = &running{what: "the report"}
	if line != "" {
		t.now.what, _, _ = strings.Cut(line, " ")
		io.WriteString(t.c.conn, line+"\n") // if that fails, so does reading
	}
	if t.unread {
		t.stop()
	}
	t.mu.Unlock()
	t.editor.During(func(key byte) {
		if key == lineedit.CtrlC {
			t.interrupt()
		} else {
			t.finish()
		}
	})
}

func (t *terminal) end() {
	t.editor.During(nil)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now, t.unread = nil, false
}

// mark follows what interrupts or finishes a command with a line that is no
// command. Whether the process has read the command's line by then, runs it or
// is done with it, is not known here, and so not how many answers there will
// be; but after that to the mark there are no more.
func (t *terminal) mark() string {
	t.marked++
	t.now.mark = markPrefix + strconv.Itoa(t.marked)
	return t.now.mark + "\n"
}

const markPrefix = "manhole-poke-"

// settle reads up to the answer to the last mark, after an answer.
func (t *terminal) settle(failed string) (string, error) {
	t.turnTo(settling) // and nothing more is sent
	mark := t.now.mark
	if mark == "" {
		return failed, nil
	}
	last := failed
	if strings.HasPrefix(failed, markPrefix) {
		failed = t.now.what + ": interrupted before it had begun"
	}
	for !strings.HasPrefix(last, mark+":") {
		var err error
		if last, err = t.c.answer(sink{out: io.Discard}); err != nil {
			return failed, err
		}
	}
	return failed, nil
}

func (t *terminal) turnTo(p phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.phase = p
}

// finish is Enter, or Ctrl-D, while a command runs.
func (t *terminal) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.now; r != nil && r.phase == awaiting && !r.finished && r.interrupted.IsZero() {
		r.finished = true
		t.c.finish()
		io.WriteString(t.c.conn, t.mark())
	}
}

// interrupt is Ctrl-C.
func (t *terminal) interrupt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch r := t.now; {
	case r == nil && t.giveUp != nil:
		fmt.Println() // behind the ^C
		t.giveUp(errGivenUp)
	case r == nil:
		t.editor.Interrupt()
	case r.phase == showing:
		t.screen.Drop()
	case r.phase == awaiting && r.interrupted.IsZero():
		fmt.Println() // behind the ^C
		t.stop()
	case time.Since(r.interrupted) < time.Second:
		fmt.Println()
		t.leave(failf(statusInterrupted+status(syscall.SIGINT), "left while %s ran; the session is closed", r.what))
	default:
		r.interrupted = time.Now()
		fmt.Printf("\n%s\n", t.colours.set(t.colours.faint, "manhole-poke: still waiting; Ctrl-C twice within a second leaves"))
	}
}

// stop interrupts the command that runs.
func (t *terminal) stop() {
	t.now.interrupted = time.Now()
	t.editor.Forget()
	t.screen.Drop()
	t.c.interrupt()
	io.WriteString(t.c.conn, t.mark())
}

// onInterrupt has Ctrl-C interrupt what runs rather than end the session, as
// it did up to here.
func (t *terminal) onInterrupt() (forget func()) {
	if signal.Ignored(os.Interrupt) {
		return func() {}
	}
	c, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Reset(os.Interrupt) // which untilSignalled waits for
	signal.Notify(c, os.Interrupt)
	go func() {
		for {
			select {
			case <-c:
				t.interrupt()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(c)
		close(done)
	}
}

// A destination is where an answer goes.
type destination struct {
	sink  sink
	end   func(failed string, err error) // when the answer is there
	close func()                         // in any case
}

func (t *terminal) destination(typed typedLine) (destination, error) {
	switch {
	case typed.pipe != "":
		return t.toHelper(typed.pipe)
	case typed.file != "":
		return t.toFile(typed)
	case t.pager && !endless(typed.line):
		return t.toPager(typed.line)
	}
	return t.toScreen(typed.line), nil
}

// endless says that an answer is read as it comes.
func endless(line string) bool {
	name, _, _ := strings.Cut(line, " ")
	return name == "watch" || name == "tail"
}

// toScreen shows the answer to line, "" being the report.
func (t *terminal) toScreen(line string) (d destination) {
	painter := &stackPainter{w: t.screen, palette: t.colours}
	w := io.Writer(t.screen)
	if name, _, _ := strings.Cut(line, " "); name == "" || name == "stack" {
		w = painter
	}
	v := printable.NewWriter(w)
	d.sink.out = v
	d.sink.note = func(text string) {
		if strings.TrimSpace(text) != "" {
			t.aside(text)
		}
	}
	progress, ended := t.progress()
	d.sink.progress = progress
	d.end = func(string, error) {
		ended()
		v.Close()
		painter.end()
		t.screen.Flush()
	}
	d.close = func() {}
	return d
}

// progress shows a bar. ended takes it away if the process did not.
func (t *terminal) progress() (show func(frame.Advance), ended func()) {
	bar, begun := newProgress(os.Stdout), false
	show = func(a frame.Advance) {
		if !begun {
			begun = true
			t.aside("manhole-poke: Enter ends it early, Ctrl-C gives it up\n")
		}
		t.screen.Flush()
		bar(a)
	}
	return show, func() {
		if begun {
			bar(frame.Advance{})
		}
	}
}

func (t *terminal) toFile(typed typedLine) (d destination, err error) {
	if info, err := os.Stat(typed.file); err == nil && info.Mode().IsRegular() && !typed.force {
		return d, fmt.Errorf("%s exists; try another name, or >! to write over it", typed.file)
	}
	ctx, giveUp := context.WithCancelCause(t.ctx)
	t.opening(giveUp)
	f, err := newAnswerFile(ctx, typed.file, typed.force)
	t.opening(nil)
	if err != nil {
		giveUp(nil)
		return d, err
	}
	d = t.toScreen(typed.line)
	w := &patientWriter{w: f, failed: t.nobodyReads}
	d.sink.out = w
	ended := d.end
	d.end = func(failed string, err error) {
		ended(failed, err)
		if w.err != nil {
			t.complain("manhole-poke: " + printable.Line(fmt.Sprintf("cannot write %s: %v", typed.file, w.err)))
			return
		}
		// What was interrupted is worth something if it can be read.
		read := !t.now.interrupted.IsZero() && f.size > 0 && !t.c.binary(typed.line)
		if err != nil || failed != "" && !read {
			return
		}
		if err := f.keep(); err != nil {
			t.complain("manhole-poke: " + printable.Line(err.Error()))
			return
		}
		t.aside(fmt.Sprintf("manhole-poke: %s%s\n", f, opens(typed.line, typed.file)))
	}
	d.close = func() {
		f.discard()
		giveUp(nil)
	}
	return d, nil
}

// opening has Ctrl-C give up what is waited for before a command begins, until
// giveUp is nil.
func (t *terminal) opening(giveUp context.CancelCauseFunc) {
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

var errGivenUp = errors.New("given up, as nobody reads what it was for")

// A patientWriter takes what comes after an error as well, as the end of the
// answer has to be reached.
type patientWriter struct {
	w      io.Writer
	failed func()
	err    error
}

func (p *patientWriter) Write(b []byte) (int, error) {
	if p.err == nil {
		if _, p.err = p.w.Write(b); p.err != nil {
			p.failed()
		}
	}
	return len(b), nil
}

// lend gives the terminal to a local program.
func (t *terminal) lend(command string) (*helper, error) {
	t.screen.Flush()
	t.editor.Leave()
	return startHelper(command, t.nobodyReads)
}

// nobodyReads interrupts a command whose answer nobody reads any more, as that
// of tail | head.
func (t *terminal) nobodyReads() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.now; r == nil || r.phase == awaiting && r.interrupted.IsZero() {
		t.unread = true
		if r != nil {
			t.stop()
		}
	}
}

func (t *terminal) toHelper(command string) (d destination, err error) {
	h, err := t.lend(command)
	if err != nil {
		return d, err
	}
	d.sink.out = h
	d.end = func(string, error) { h.end(t.ctx) }
	d.close = func() {}
	return d, nil
}

// toPager shows what is longer than the terminal is high in the pager.
func (t *terminal) toPager(line string) (destination, error) {
	d := t.toScreen(line)
	shown, ended := d.sink.out, d.end
	var h *helper
	var v *printable.Writer
	long := &longAnswer{}
	long.start = func() (w io.Writer, err error) {
		if h, err = t.lend(pagerCommand()); err != nil {
			return nil, err
		}
		v = printable.NewWriter(h)
		return v, nil
	}
	d.sink.out = long
	d.end = func(failed string, err error) {
		if h == nil {
			shown.Write(long.held.Bytes())
			ended(failed, err)
			return
		}
		ended(failed, err)
		v.Close()
		h.end(t.ctx)
	}
	return d, nil
}
