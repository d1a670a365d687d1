//go:build linux || darwin || freebsd

package lineedit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/peterh/liner"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// ErrInterrupted is the error of [Editor.Line] after Ctrl-C.
var ErrInterrupted = errors.New("interrupted")

// minWidth is the width from which on lines can be edited well.
const minWidth = 24

// A Config configures an [Editor].
type Config struct {
	// Program names the history: the file Program/history in $XDG_STATE_HOME, or
	// in ~/.local/state. Without one, none is read or kept.
	Program string
	Prompt  string

	// Strong and Plain are the sequences that switch the colour of the prompt and
	// the line on and off, or empty. They are not used if lines cannot be edited.
	Strong, Plain string

	// Complete offers words for the one that ends at pos, in characters: the line
	// may become head, one of words, and tail. It may be nil.
	Complete func(line string, pos int) (head string, words []string, tail string)
}

// An Editor reads lines from os.Stdin and shows them on os.Stdout, which must be
// the same terminal: peterh/liner sets the modes of these descriptors. There can
// be one Editor at a time.
//
// Listen, Leave, Line and Remember are for one goroutine; the other methods are
// safe for concurrent use.
type Editor struct {
	config  Config
	keys    *keys
	history *history
}

// New returns an Editor with the history of earlier sessions. It reads no keys
// before [Editor.Listen].
func New(c Config) *Editor {
	return &Editor{c, newKeys(os.Stdin), openHistory(c.Program)}
}

// Listen begins to read keys, unless it has begun. It fails if os.Stdin cannot
// be polled.
func (e *Editor) Listen() error { return e.keys.listen() }

// Leave stops reading keys: from then on they are for another program at the
// terminal. Keys that were read before wait for the next line.
func (e *Editor) Leave() { e.keys.leave() }

// During reports keys to onKey that are for the command that runs: Enter on an
// empty line, which is then no line for the next prompt, Ctrl-D, and CtrlC if it
// was typed before the terminal turned it into a signal. During(nil) ends this.
//
// During itself calls onKey for keys that were typed before; the goroutine that
// reads keys calls it for others. onKey must not call Leave, which waits for that
// goroutine. A call may still run when During(nil) returns.
func (e *Editor) During(onKey func(key byte)) { e.keys.during(onKey) }

// Interrupt does what a typed Ctrl-C does, for one that came as a signal: Line
// returns [ErrInterrupted], and what was typed before is dropped.
func (e *Editor) Interrupt() { e.keys.interrupt() }

// Forget drops what was typed for the next line.
func (e *Editor) Forget() { e.keys.forget() }

// Remember adds a line to the history, unless it equals the one before, begins
// with a blank, is too long or is not printable. An error of the file is ignored.
func (e *Editor) Remember(line string) { e.history.add(line) }

// Line reads a line; Listen must have been called. The error is io.EOF after
// Ctrl-D, when ctx is done, and when the terminal is gone. After Ctrl-C the line
// is empty. At its beginning Line replaces os.Stdin for a moment; that variable
// must not be used at the same time.
//
// The terminal is in raw mode only here, as in other shells, so that other
// programs find it in its usual mode.
func (e *Editor) Line(ctx context.Context) (string, error) {
	columns, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || columns < minWidth || !liner.TerminalSupported() {
		return e.plainLine(ctx)
	}
	found, err := liner.TerminalMode()
	if err != nil {
		return e.plainLine(ctx)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return e.plainLine(ctx)
	}
	defer r.Close()
	l := linerFrom(r)
	defer l.Close()
	l.SetCtrlCAborts(true)
	l.SetMultiLineMode(true)
	l.SetTabCompletionStyle(liner.TabPrints)
	l.SetWordCompleter(e.config.Complete)
	for _, old := range e.history.lines {
		l.AppendHistory(old)
	}
	raw, err := liner.TerminalMode()
	if err != nil {
		w.Close()
		return "", io.EOF
	}

	ctx, ended := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer r.Close() // or feed may wait to write
	defer ended()
	m := &modes{strong: e.config.Strong, plain: e.config.Plain, found: found, raw: raw}
	others.Go(func() {
		defer m.restoreInPanic()
		m.signalled(ctx)
	})
	others.Go(func() {
		defer m.restoreInPanic()
		e.feed(ctx, w, m)
	})
	defer io.WriteString(os.Stdout, e.config.Plain)
	io.WriteString(os.Stdout, e.config.Strong)
	line, err := l.Prompt(e.config.Prompt)
	switch {
	case err == liner.ErrPromptAborted:
		return "", ErrInterrupted
	case err != nil:
		fmt.Println() // after what was typed
		return "", io.EOF
	}
	return line, nil
}

// linerFrom returns a liner that reads r. A liner reads what os.Stdin is when it
// is made, but always sets the modes of descriptor 0.
func linerFrom(r *os.File) *liner.State {
	stdin := os.Stdin
	defer func() { os.Stdin = stdin }()
	os.Stdin = r
	return liner.NewLiner()
}

// maxPasted is the longest line that can be pasted: more than the console takes,
// and not too much to redraw.
const maxPasted = 8 << 10

// feed writes what is typed to w, up to the end of a line, because the rest is
// for the next prompt. When ctx is done, it closes w.
func (e *Editor) feed(ctx context.Context, w *os.File, m *modes) {
	defer w.Close()
	pasted := 0
	for {
		part := e.keys.next(ctx)
		switch {
		case part == nil:
			return
		case part[0] == ctrlZ:
			m.stop()
			continue
		case len(part) > 64: // pasted
			over := min(len(part)-1, max(0, pasted+len(part)-maxPasted))
			pasted += len(part)
			part = append(part[:len(part)-1-over], part[len(part)-1])
		}
		if _, err := w.Write(part); err != nil {
			return
		}
		if endsPrompt(part) {
			<-ctx.Done()
			return
		}
	}
}

// modes are the modes of the terminal.
type modes struct {
	strong, plain string            // see Config
	found         liner.ModeApplier // outside the prompt

	mu  sync.Mutex
	raw liner.ModeApplier // at the prompt
}

// stop handles Ctrl-Z: it gives the terminal back and stops the process group.
//
// SIGTSTP must never be registered with signal.Notify: after that it would not
// stop the process, not even after signal.Stop (runtime.sigdisable).
func (m *modes) stop() {
	m.mu.Lock()
	if now, err := liner.TerminalMode(); err == nil {
		m.raw = now // liner may have changed it
	}
	m.mu.Unlock()
	m.giveBack()
	unix.Kill(0, unix.SIGTSTP)
	// The process is stopped here, or is not because its process group is
	// orphaned (setpgid(2)).
	time.Sleep(200 * time.Millisecond)
	m.again()
}

// again takes the terminal back, and makes liner redraw the line.
func (m *modes) again() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.raw.ApplyMode()
	io.WriteString(os.Stdout, m.strong)
	unix.Kill(os.Getpid(), unix.SIGWINCH)
}

func (m *modes) giveBack() {
	m.found.ApplyMode()
	fmt.Println(m.plain)
}

// signalled takes the terminal back when the process continues after somebody
// else stopped it, and gives it back before a signal ends the process.
func (m *modes) signalled(ctx context.Context) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGCONT, syscall.SIGQUIT, syscall.SIGABRT)
	defer signal.Stop(c)
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-c:
			if s == syscall.SIGCONT {
				m.again()
				continue
			}
			m.giveBack()
			signal.Reset(s)
			unix.Kill(os.Getpid(), s.(syscall.Signal)) // the runtime dumps stacks
		}
	}
}

// restoreInPanic gives the terminal back when a goroutine other than the one in
// Line panics, which ends the process without the deferred calls of Line.
func (m *modes) restoreInPanic() {
	if v := recover(); v != nil {
		m.giveBack()
		panic(v)
	}
}

// plainLine reads a line that only the terminal's driver can edit.
func (e *Editor) plainLine(ctx context.Context) (string, error) {
	io.WriteString(os.Stdout, e.config.Prompt)
	var line []byte
	for {
		part := e.keys.next(ctx)
		switch {
		case part == nil, part[0] == ctrlD && len(part) == 1 && len(line) == 0:
			fmt.Println()
			return "", io.EOF
		case part[len(part)-1] == CtrlC:
			fmt.Println()
			return "", ErrInterrupted
		}
		line = append(line, part...)
		if endsPrompt(part) {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
	}
}
