//go:build unix

package lineedit

import (
	"context"
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

// narrow is the width of a terminal in which lines can't be edited well.
const narrow = 24

// A Config says how an Editor asks for lines. Complete may be nil.
type Config struct {
	// Program is whose history it is: Program/history in $XDG_STATE_HOME, or in
	// ~/.local/state.
	Program string
	Prompt  string

	// Strong and Plain are the sequences that set the prompt and what is typed
	// off, and that end this; or nothing. A terminal in which lines can't be
	// edited gets neither.
	Strong, Plain string

	// Complete offers words for the one that ends at pos, which counts
	// characters: the line is then head, one of words, and tail.
	Complete func(line string, pos int) (head string, words []string, tail string)
}

// An Editor reads lines at the prompt, from os.Stdin and at os.Stdout. As that
// is one terminal, there is one Editor at a time.
//
// Listen, Leave, Line and Remember are for one goroutine, and the other methods
// for any.
type Editor struct {
	config  Config
	keys    *keys
	history *history
}

// New returns an Editor that knows the lines of earlier sessions. It reads
// nothing that is typed before Listen.
func New(c Config) *Editor {
	return &Editor{c, newKeys(os.Stdin), openHistory(c.Program)}
}

// Listen begins to read what is typed, unless that is done already. The error
// says why os.Stdin can't be waited for.
func (e *Editor) Listen() error { return e.keys.listen() }

// Leave ends what Listen began: what is typed then is for another program at
// the same terminal. What was read before waits for the next line.
func (e *Editor) Leave() { e.keys.leave() }

// During has keys that are for the command that runs told to heard, until that
// is nil: Enter alone, which is then no line for the next prompt, Ctrl-D, and
// CtrlC if that was typed before the terminal's driver made a signal of it.
//
// heard is called by During itself, of what was typed before, and by the
// goroutine that reads the keys: it must not call Leave, which waits for that
// one. A call that has begun may go on after During(nil).
func (e *Editor) During(heard func(key byte)) { e.keys.during(heard) }

// Interrupt is a Ctrl-C that came as a signal: Line then returns an empty line,
// and what was typed before is forgotten.
func (e *Editor) Interrupt() { e.keys.interrupt() }

// Forget throws away what was typed and waits for the next line.
func (e *Editor) Forget() { e.keys.forget() }

// Remember adds a line to the history, unless it is as the one before, begins
// with a blank, is too long or holds what should not get to the terminal. That
// it can't be kept on disk is no failure.
func (e *Editor) Remember(line string) { e.history.add(line) }

// Line reads one line, once Listen was called. The error is io.EOF after Ctrl-D,
// and when ctx is done or the terminal gone. A line that was given up with
// Ctrl-C is an empty one. For a moment at its beginning os.Stdin is another
// file, so nobody else may use that variable meanwhile.
//
// The terminal is in raw mode only here, as in other shells: whatever happens
// while a command runs, what takes the terminal over finds it as it was.
func (e *Editor) Line(ctx context.Context) (string, error) {
	columns, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || columns < narrow || !liner.TerminalSupported() {
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
	defer r.Close() // so that nobody waits to write
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
		return "", nil
	case err != nil:
		fmt.Println() // behind what was typed
		return "", io.EOF
	}
	return line, nil
}

// linerFrom makes a liner that reads r: it takes what os.Stdin is when it is
// made, but sets the modes of descriptor 0. So keys come to it through keys.
func linerFrom(r *os.File) *liner.State {
	stdin := os.Stdin
	defer func() { os.Stdin = stdin }()
	os.Stdin = r
	return liner.NewLiner()
}

// pastedMost is much more than the console takes for a line, and not more than
// can be redrawn at once.
const pastedMost = 8 << 10

// feed passes on what is typed, up to the end of a line: what comes after it
// is not for this prompt. When ctx is done before, the prompt reads the end.
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
		case len(part) > 64: // nobody types like that
			over := min(len(part)-1, max(0, pasted+len(part)-pastedMost))
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

// modes are those of the terminal at the prompt.
type modes struct {
	strong, plain string            // see Config
	found         liner.ModeApplier // what others find

	mu  sync.Mutex
	raw liner.ModeApplier
}

// stop is Ctrl-Z: the terminal is given back while this process, and those
// that were started with it, are stopped.
//
// The signal is never asked for with signal.Notify: after that it would not
// stop this process any more, signal.Stop or not (runtime.sigdisable).
func (m *modes) stop() {
	m.mu.Lock()
	if now, err := liner.TerminalMode(); err == nil {
		m.raw = now // with what liner has changed since it was made
	}
	m.mu.Unlock()
	m.giveBack()
	unix.Kill(0, unix.SIGTSTP)
	// Time stands still now, or there is no shell to go on from and the kernel
	// has stopped nobody (setpgid(2), orphaned process groups).
	time.Sleep(200 * time.Millisecond)
	m.again()
}

// again takes the terminal, and has liner draw the line anew.
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

// signalled is for a process that others stopped, so that a shell has had the
// terminal, and for one that is about to die.
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
			unix.Kill(os.Getpid(), s.(syscall.Signal)) // its dump is what was wanted
		}
	}
}

// restoreInPanic is for goroutines, whose panic ends the process without the
// deferred calls of the one that edits.
func (m *modes) restoreInPanic() {
	if v := recover(); v != nil {
		m.giveBack()
		panic(v)
	}
}

// plainLine reads a line where nothing can be edited but by the terminal's
// driver.
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
			return "", nil
		}
		line = append(line, part...)
		if endsPrompt(part) {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
	}
}
