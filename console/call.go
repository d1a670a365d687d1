package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// grace is how long a command of the program's own may go on after its
// context is done before it is abandoned.
const grace = 2 * time.Second

var (
	errAbandoned   = errors.New("the command was abandoned")
	errInterrupted = errors.New("interrupted")
)

// do runs one line. Its error is errQuit or nil; all others are the peer's to
// read.
func (s *session) do(line string) error {
	if s.typed() {
		s.midLine = false // the prompt's, which whoever typed has ended
	}
	words, err := split(line)
	if err != nil {
		s.complain("line", err)
		return nil
	}
	if len(words) == 0 {
		return nil
	}
	c, err := s.find(words[0])
	if err != nil {
		s.complain(show(words[0]), err)
		return nil
	}
	return s.run(c, words[1:])
}

// run runs one command to its end and reports how it failed.
func (s *session) run(c command, args []string) error {
	ctx, done := s.interruptible()
	end := s.call(ctx, c, args)
	interrupted := context.Cause(ctx) == errInterrupted
	done()
	if interrupted {
		s.out.Reset(answer{s}) // what was not sent yet, and the error of sending it
		end = ending{err: errInterrupted}
	}
	switch {
	case end.panicked:
		s.complain(c.name, fmt.Errorf("panic: %s", end.value))
		s.out.Write(end.stack)
		s.log().Error("lazy: command panicked", "command", c.name, "panic", end.value, "stack", string(end.stack))
	case end.exited:
		s.complain(c.name, errors.New("called runtime.Goexit instead of returning"))
		s.log().Error("lazy: command called runtime.Goexit", "command", c.name)
	case errors.Is(end.err, errQuit):
		return errQuit
	case end.err != nil && s.ctx.Err() == nil:
		s.complain(c.name, end.err)
		var r *refusal
		if errors.As(end.err, &r) {
			s.out.WriteString(r.lines)
		}
	}
	return nil
}

// interruptible is the context of one command: done when the session has to
// end, and with errInterrupted when the peer wants the command to.
func (s *session) interruptible() (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(s.ctx)
	s.peer.ctx = ctx
	forget := s.lines.onInterrupt(func() { cancel(errInterrupted) })
	return ctx, func() {
		forget()
		s.peer.ctx = s.ctx
		cancel(nil)
	}
}

// ending is how a command ended.
type ending struct {
	err      error
	exited   bool // without returning: runtime.Goexit
	panicked bool
	value    string // of the panic
	stack    []byte
}

// call runs a command and waits for it. The console's own run in the session's
// goroutine: where the scheduler is saturated, handing over to another one and
// back may cost a round through all that can run.
func (s *session) call(ctx context.Context, c command, args []string) ending {
	if c.own == nil {
		return contain(func() error { return c.run(ctx, s, args) })
	}

	// A program's own command may do anything: write from several goroutines,
	// write on after it returned, never return.
	s.out.Flush()
	w := &gate{w: answer{s}}
	defer w.close()
	ended := make(chan ending, 1)
	go func() {
		end := ending{exited: true}
		defer func() { ended <- end }()
		how := contain(func() error { return c.own(ctx, w, args) })
		how.err = plainError(how.err) // which may not return
		end = how
	}()
	var told time.Time
	for ; ; s.pause() {
		select {
		case end := <-ended:
			return end
		default:
		}
		switch {
		case ctx.Err() == nil:
		case told.IsZero():
			told = time.Now()
		case time.Since(told) > grace:
			s.log().Warn("lazy: command ignores its context and was left running", "command", c.name)
			return ending{err: errAbandoned}
		}
	}
}

// pause waits a moment, as the connection likes it.
func (s *session) pause() {
	if c, ok := s.peer.conn.(interface{ Pause() }); ok {
		c.Pause()
		return
	}
	time.Sleep(time.Millisecond)
}

// contain calls f and reports how it ended.
func contain(f func() error) (end ending) {
	end.exited = true
	defer func() {
		if v := recover(); v != nil {
			end = ending{panicked: true, value: fmt.Sprint(v), stack: debug.Stack()}
		}
	}()
	end.err = f()
	end.exited = false
	return end
}

// plainError is an error that says the same and does nothing else. Any method
// of the program's own may panic: an interface that holds a nil pointer is not
// nil.
func plainError(err error) error {
	if err == nil {
		return nil
	}
	var text string
	if end := contain(func() error { text = err.Error(); return nil }); end.panicked {
		text = fmt.Sprintf("an error (%T) whose Error method panics: %s", err, end.value)
	}
	return errors.New(text)
}

// gate lets a program's own command write, one write at a time, until the
// command is over.
type gate struct {
	mu   sync.Mutex
	w    io.Writer
	shut bool
}

// close waits for a write, which does not last for ever: what comes next must
// not be written into the middle of it.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
}

func (g *gate) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return 0, errAbandoned
	}
	return g.w.Write(b)
}

// own reports whether a goroutine that began in the function entry is the
// session's: the one that called Run, of which the caller knows, or one that a
// go statement or context.AfterFunc in here started.
func (s *session) own(entry string) bool {
	function, ours := strings.CutPrefix(entry, "github.com/go-manhole/lazy/console.")
	for _, starter := range []string{"start.", "executionTrace.", "(*session).call.", "(*lineReader).listen."} {
		if ours && strings.HasPrefix(function, starter) {
			return true
		}
	}
	return s.cfg.OwnGoroutine != nil && s.cfg.OwnGoroutine(entry)
}

func (s *session) log() *slog.Logger {
	if s.cfg.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.cfg.Log
}
