//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/lineedit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/spool"
)

const prompt = "lazy> " // as the console's own

// localHelp is what help says besides what the session says.
func localHelp() string {
	var b strings.Builder
	b.WriteString("\nAt this terminal\n")
	for _, e := range terminalTerms {
		fmt.Fprintf(&b, "  %-30s  %s\n", e.name, e.meaning)
	}
	return b.String()
}

// A terminal is a session with a person: lines are edited, and the answers
// set out for the eye.
type terminal struct {
	c       *client
	ctx     context.Context
	leave   context.CancelCauseFunc
	colours palette
	screen  *spool.Spool
	editor  *lineedit.Editor
	pager   bool
	said    chan struct{} // closed when there is something to read from the process

	mu     sync.Mutex
	now    *running                // nil at the prompt
	giveUp context.CancelCauseFunc // see opening
	unread bool                    // nobody wants the answer any more
	marked int
}

// converse holds a session at the terminal.
func converse(ctx context.Context, o options, c *client) error {
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	c.ctx = ctx
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	t := &terminal{
		c: c, ctx: ctx, leave: leave, pager: o.pager,
		colours: terminalPalette(), screen: spool.New(os.Stdout),
	}
	t.editor = lineedit.New(lineedit.Config{
		Program: "manhole-poke", Prompt: prompt, Strong: t.colours.strong, Plain: t.colours.plain,
		Complete: (&consoleCompleter{c.greeting.Commands}).complete,
	})
	if err := t.listen(); err != nil {
		return err
	}
	defer t.editor.Leave()
	defer t.onInterrupt()()
	defer t.screen.Flush()

	t.aside(c.greeting.Text + "\n")
	err := t.run(typedLine{}) // the report, which nobody has to ask for
	for err == nil {
		err = t.turn()
	}
	if err == errLeft {
		return nil
	}
	return err
}

// listen takes the terminal, or takes it back from a helper.
func (t *terminal) listen() error {
	if err := t.editor.Listen(); err != nil {
		return failf(statusHere, "cannot wait for what is typed: %v; try it as a script: echo stack | manhole-poke PID", err)
	}
	return nil
}

// errLeft is that the person wants the session to end.
var errLeft = errors.New("left")

// turn is one line and its answer.
func (t *terminal) turn() error {
	// The connection is read by one at a time, and while somebody thinks
	// about the next line by this, which then tells of the end of the session.
	if t.said == nil {
		t.said = make(chan struct{})
		go func(said chan struct{}) {
			defer close(said)
			t.c.in.Peek(1)
		}(t.said)
	}
	ctx, done := context.WithCancel(t.ctx)
	defer done()
	go func(said chan struct{}) {
		select {
		case <-said:
			done()
		case <-ctx.Done():
		}
	}(t.said)
	if err := t.screen.Flush(); err != nil {
		return failf(statusHere, "cannot write to the terminal: %v", err)
	}
	text, err := t.editor.Line(ctx)
	switch {
	case ctx.Err() != nil:
		return t.run(typedLine{}) // what the process says unasked, mostly that it is over
	case err != nil:
		return t.goodbye()
	}
	text = strings.TrimRight(withoutControls(text), " ")
	t.editor.Remember(text)
	typed, err := parseTyped(strings.TrimSpace(text))
	if err == nil {
		typed, err = t.understood(typed)
	}
	switch {
	case err != nil:
		t.complain("manhole-poke: " + printable.Line(err.Error()))
		return nil
	case typed.line == "":
		return nil
	}
	return t.run(typed)
}

// withoutControls is what was typed or pasted, without what means something
// else to the process (frame.Interrupt) or nothing at all.
func withoutControls(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, text)
}

// understood replaces what is said in other shells, and refuses what would only
// spoil the terminal.
func (t *terminal) understood(typed typedLine) (typedLine, error) {
	words := strings.Fields(typed.line)
	if len(words) == 0 {
		return typed, nil
	}
	if _, known := t.c.command(words); !known && typed.line == "exit" {
		typed.line = "quit"
	}
	if typed.pipe == "" && typed.file == "" && t.c.binary(typed.line) {
		or := ""
		if strings.HasPrefix(words[0], "pprof") {
			or = ", or -top to read the largest entries here"
		}
		return typed, fmt.Errorf("the answer is binary, not for a terminal; try %s > %s%s", typed.line, fileNameFor(words), or)
	}
	return typed, nil
}

func fileNameFor(words []string) string {
	switch name := words[0]; {
	case name == "pprof" && !strings.HasPrefix(words[1], "-"):
		return words[1] + ".pprof"
	case strings.HasPrefix(name, "pprof-"):
		return strings.TrimPrefix(name, "pprof-") + ".pprof"
	case name == "trace":
		return "trace.out"
	default:
		return name + ".out"
	}
}

// goodbye ends the session as Ctrl-D does.
func (t *terminal) goodbye() error {
	t.c.conn.CloseWrite()
	t.c.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	<-t.said
	t.c.leave()
	return errLeft
}

// aside shows what is not part of an answer.
func (t *terminal) aside(text string) {
	for line := range strings.Lines(printable.Text(text)) {
		io.WriteString(t.screen, t.colours.set(t.colours.faint, line))
	}
}

func (t *terminal) complain(text string) {
	io.WriteString(t.screen, t.colours.set(t.colours.bad, text)+"\n")
}
