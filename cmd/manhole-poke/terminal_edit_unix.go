//go:build unix

package main

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

// An editor reads lines at the prompt.
type editor struct {
	keys     *keys
	history  *history
	complete liner.WordCompleter
	colours  palette
}

// line reads one line. The error is io.EOF after Ctrl-D, and when ctx is done
// or the terminal gone. A line that was given up with Ctrl-C is an empty one.
//
// The terminal is in raw mode only here, as in other shells: whatever happens
// while a command runs, what takes the terminal over finds it as it was.
func (e *editor) line(ctx context.Context) (string, error) {
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
	l.SetWordCompleter(e.complete)
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
	m := &modes{colours: e.colours, found: found, raw: raw}
	others.Go(func() {
		defer m.restoreInPanic()
		m.signalled(ctx)
	})
	others.Go(func() {
		defer m.restoreInPanic()
		e.feed(ctx, w, m)
	})
	defer io.WriteString(os.Stdout, e.colours.plain)
	io.WriteString(os.Stdout, e.colours.strong)
	line, err := l.Prompt(prompt)
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
func (e *editor) feed(ctx context.Context, w *os.File, m *modes) {
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
	colours palette
	found   liner.ModeApplier // what others find

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
	io.WriteString(os.Stdout, m.colours.strong)
	unix.Kill(os.Getpid(), unix.SIGWINCH)
}

func (m *modes) giveBack() {
	m.found.ApplyMode()
	fmt.Println(m.colours.plain)
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
func (e *editor) plainLine(ctx context.Context) (string, error) {
	io.WriteString(os.Stdout, prompt)
	var line []byte
	for {
		part := e.keys.next(ctx)
		switch {
		case part == nil, part[0] == ctrlD && len(part) == 1 && len(line) == 0:
			fmt.Println()
			return "", io.EOF
		case part[len(part)-1] == ctrlC:
			fmt.Println()
			return "", nil
		}
		line = append(line, part...)
		if endsPrompt(part) {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
	}
}
