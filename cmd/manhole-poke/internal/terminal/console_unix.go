//go:build linux || darwin || freebsd

package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/answer"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/complete"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/inspect"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/lineedit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/spool"
	"github.com/go-manhole/lazy/internal/words"
)

const prompt = "lazy> " // as the console's own

// Config says how a session is held. Lines are read from os.Stdin, because
// package lineedit can read from nothing else.
type Config struct {
	Out   *os.File // the terminal
	Err   *os.File // of local programs
	Pager bool     // show long answers in the user's pager
	Help  string   // what the command help adds about the terminal

	Symbols string                                    // see [inspect.Options]
	HelpOn  func(topic string) (text string, ok bool) // about the commands of package inspect

	// Restricted forbids files and local programs, and keeps no history.
	Restricted bool
}

// A console is a session at the terminal.
type console struct {
	Config
	s         *session.Session
	inspector *inspect.Inspector
	colours   palette
	screen    *spool.Spool
	editor    *lineedit.Editor

	mu     sync.Mutex
	now    *running                // nil at the prompt
	giveUp context.CancelCauseFunc // of a file that is being opened, or nil
	unread bool                    // nobody wants the answer any more

	aborted time.Time // when Ctrl-C was last typed at the prompt
}

var errRestricted = errors.New("--restricted allows neither | nor >; leave it out")

// errLeft means that the person ended the session.
var errLeft = errors.New("left")

// Converse holds the session s, which was opened with [session.Options.Progress]
// and Report, until the person leaves or the session ends. Unless the person
// left, the error says why. While it runs, SIGINT interrupts the command that
// runs, and nothing else.
func Converse(s *session.Session, c Config) error {
	t := &console{Config: c, s: s, colours: newPalette(), screen: spool.New(c.Out), inspector: inspect.New(s, inspect.Options{Symbols: c.Symbols, Help: c.HelpOn})}
	described := inspect.Merge(s.Greeting().Commands)
	program := "manhole-poke"
	if c.Restricted {
		program = ""
	}
	t.editor = lineedit.New(lineedit.Config{
		Program: program, Prompt: prompt, Strong: t.colours.strong, Plain: t.colours.plain,
		Complete: func(line string, pos int) (string, []string, string) {
			if c.Restricted && strings.ContainsAny(line, "|>") { // which lists files
				return line, nil, ""
			}
			return complete.Line(described, line, pos)
		},
	})
	if err := t.listen(); err != nil {
		return err
	}
	defer t.editor.Leave()
	defer t.onInterrupt()()
	defer t.screen.Flush()

	t.aside(s.Greeting().Text + "\n")
	err := t.run(typedLine{}) // the report
	for err == nil {
		err = t.turn()
	}
	if err == errLeft {
		return nil
	}
	return err
}

// listen begins to read keys, at first and after a local program had them.
func (t *console) listen() error {
	if err := t.editor.Listen(); err != nil {
		return exit.Errorf(exit.LocalIO, "terminal", "cannot wait for what is typed: %v; try a script: echo stack | manhole-poke PID", err)
	}
	return nil
}

// turn reads a line and runs it.
func (t *console) turn() error {
	ctx, done := context.WithCancel(t.s.Context())
	defer done()
	go func() {
		select {
		case <-t.s.Ended():
			done()
		case <-ctx.Done():
		}
	}()
	if err := t.screen.Flush(); err != nil {
		return exit.Errorf(exit.LocalIO, "terminal", "cannot write to the terminal: %v", err)
	}
	text, err := t.editor.Line(ctx)
	switch {
	case ctx.Err() != nil:
		return t.s.Err()
	case err == lineedit.ErrInterrupted && time.Since(t.aborted) < leaveWithin:
		t.s.Leave()
		return errLeft
	case err == lineedit.ErrInterrupted:
		t.aborted = time.Now()
		return nil
	case err != nil: // Ctrl-D
		t.s.Leave()
		return errLeft
	}
	t.aborted = time.Time{}
	text = strings.TrimRight(withoutControls(text), " ")
	t.editor.Remember(text)
	typed, err := parseTyped(strings.TrimSpace(text))
	if err == nil {
		typed, err = t.check(typed)
	}
	switch {
	case err != nil:
		t.complain(err)
		return nil
	case typed.line == "":
		return nil
	}
	return t.run(typed)
}

// check takes exit for quit and ? for help, as other shells have them, and refuses
// to show what is not text.
func (t *console) check(typed typedLine) (typedLine, error) {
	if t.Restricted && (typed.pipe != "" || typed.file != "") {
		return typed, errRestricted
	}
	words := strings.Fields(typed.line)
	if len(words) == 0 {
		return typed, nil
	}
	command, _, known := t.s.Command(words)
	switch {
	case known:
	case typed.line == "exit":
		typed.line = "quit"
	case words[0] == "?":
		typed.line = strings.TrimSpace("help " + strings.TrimPrefix(typed.line, "?"))
	}
	if typed.pipe != "" || typed.file != "" || !t.s.IsBinary(typed.line) {
		return typed, nil
	}
	or := ""
	for _, o := range command.Options {
		if o.Text {
			or = fmt.Sprintf(", or -%s to read it here", o.Name)
		}
	}
	return typed, fmt.Errorf("the answer is binary, not for a terminal; try %s > %s%s", typed.line, quote(answer.FileName(words)), or)
}

// quote returns a file as it can be typed after >.
func quote(file string) string { return words.Join(file) }

// aside shows what is not part of an answer.
func (t *console) aside(text string) {
	for line := range strings.Lines(printable.Text(text)) {
		io.WriteString(t.screen, t.colours.paint(t.colours.faint, line))
	}
}

// complain shows an error of this side.
func (t *console) complain(err error) {
	t.bad("manhole-poke: " + printable.Line(err.Error()))
}

func (t *console) bad(text string) {
	io.WriteString(t.screen, t.colours.paint(t.colours.bad, text)+"\n")
}
