//go:build linux || darwin || freebsd

package terminal

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/answer"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/inspect"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/lineedit"
)

// A running is a command whose answer is awaited or shown.
type running struct {
	name        string
	request     inspect.Request
	answered    bool      // what is left is to show the answer
	finished    bool      // by Enter
	interrupted time.Time // when Ctrl-C was last typed
}

// leaveWithin is how soon a second Ctrl-C leaves.
const leaveWithin = time.Second

// run has a line answered, or with an empty line the report. Its error is about
// the session, which is over then.
func (t *console) run(typed typedLine) error {
	d, err := t.destination(typed)
	if err != nil {
		t.complain(err)
		return t.listen()
	}
	defer d.close()
	r := t.begin(typed.line)
	defer t.end()
	failed, err := r.request.Wait(d.sink)
	t.mu.Lock()
	r.answered = true
	interrupted, unread := !r.interrupted.IsZero(), t.unread
	t.mu.Unlock()
	if typed.line == "help" && failed == "" && err == nil {
		io.WriteString(d.sink.Out, t.Help)
	}
	d.end(result{failed: failed, interrupted: interrupted, err: err})
	t.screen.Flush() // from here on nothing is dropped
	if failed != "" && !unread && !(interrupted && answer.IsStream(typed.line)) {
		t.bad("lazy: error: " + failed)
	}
	switch {
	case err != nil:
		return err
	case r.name == "quit" && failed == "":
		t.s.Leave()
		return errLeft
	}
	return t.listen() // a local program may have had the terminal
}

// begin sends a line.
func (t *console) begin(line string) *running {
	t.mu.Lock()
	r := &running{name: "the report", request: t.s.Report()}
	if line != "" {
		r.name, _, _ = strings.Cut(line, " ")
		r.request = t.inspector.Start(line)
	}
	t.now = r
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
	return r
}

func (t *console) end() {
	t.editor.During(nil)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now, t.unread = nil, false
}

// finish is called for Enter and Ctrl-D while a command runs.
func (t *console) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.now; r != nil && !r.answered && !r.finished && r.interrupted.IsZero() {
		r.finished = true
		r.request.Finish()
	}
}

// interrupt is called for Ctrl-C.
func (t *console) interrupt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch r := t.now; {
	case r == nil && t.giveUp != nil:
		fmt.Fprintln(t.Out) // after the ^C
		t.giveUp(errGivenUp)
	case r == nil:
		t.editor.Interrupt()
	case r.answered:
		t.screen.Drop()
	case r.interrupted.IsZero():
		fmt.Fprintln(t.Out)
		t.stop()
	case time.Since(r.interrupted) < leaveWithin:
		fmt.Fprintln(t.Out)
		t.s.Abort(exit.Errorf(exit.Signalled+exit.Status(syscall.SIGINT), "interrupted", "left while %s ran; the session is closed", r.name))
	default:
		r.interrupted = time.Now()
		fmt.Fprintf(t.Out, "\n%s\n", t.colours.paint(t.colours.faint, "manhole-poke: still waiting; Ctrl-C twice within a second leaves"))
	}
}

// stop interrupts the command that runs. t.mu must be held.
func (t *console) stop() {
	t.now.interrupted = time.Now()
	t.editor.Forget()
	t.screen.Drop()
	t.now.request.Interrupt()
}

// nobodyReads interrupts a command whose answer has lost its reader, as in
// tail | head.
func (t *console) nobodyReads() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.now; r == nil || !r.answered && r.interrupted.IsZero() {
		t.unread = true
		if r != nil {
			t.stop()
		}
	}
}

// onInterrupt makes SIGINT mean [console.interrupt] instead of what the program
// has registered, until undo is called.
func (t *console) onInterrupt() (undo func()) {
	if signal.Ignored(os.Interrupt) {
		return func() {}
	}
	c, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Reset(os.Interrupt)
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
