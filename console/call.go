package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/internal/words"
)

// grace is how long a command of the program may go on after its context is
// done before it is abandoned.
const grace = 2 * time.Second

var errAbandoned = errors.New("the command was abandoned")

// do runs one line. Its error is errQuit, errInterrupted or nil; the peer has
// been shown all others.
func (s *session) do(line string) error {
	if s.typed() {
		s.midLine = false // the prompt's, which was ended by typing
	}
	typed, err := words.Split(line)
	if err != nil {
		s.complain("line", err)
		return nil
	}
	if len(typed) == 0 {
		return nil
	}
	c, err := s.find(typed[0])
	if err == errUnknown {
		if meant := s.obvious(typed); meant != nil {
			typed = meant
			c, err = s.find(typed[0])
		}
	}
	if err == errUnknown {
		err = s.unknown(typed)
	}
	if err != nil {
		s.complain(words.Show(typed[0]), err)
		return nil
	}
	if c.builtin && asksForHelp(typed[1:]) {
		typed = []string{"help", c.Name}
		c, _ = s.find("help")
	}
	return s.run(c, typed[1:])
}

// run runs one command to its end and reports how it failed.
func (s *session) run(c command, arguments []string) error {
	ctx := s.work.ctx
	s.output.ctx = ctx
	end := s.call(ctx, c, arguments)
	interrupted := context.Cause(ctx) == errInterrupted
	s.output.ctx = s.ctx
	switch {
	case interrupted:
		s.out.Reset(answerWriter{s}) // what was not sent yet, and the error of sending it
		s.complain(c.Name, errInterrupted)
		return errInterrupted
	case end.panicked:
		s.complain(c.Name, fmt.Errorf("panic: %s", end.value))
		s.out.Write(end.stack)
		s.log().Error("lazy: command panicked", "command", c.Name, "panic", end.value, "stack", string(end.stack))
	case end.exited:
		s.complain(c.Name, errors.New("called runtime.Goexit instead of returning"))
		s.log().Error("lazy: command called runtime.Goexit", "command", c.Name)
	case errors.Is(end.err, errQuit):
		return errQuit
	case end.err != nil && s.ctx.Err() == nil:
		s.complain(c.Name, end.err)
		if r, ok := errors.AsType[*refusal](end.err); ok {
			s.out.WriteString(r.lines)
		}
	}
	return nil
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
func (s *session) call(ctx context.Context, c command, arguments []string) ending {
	if c.apart == nil {
		return contain(func() error {
			a, err := args.Parse(arguments, c.Options)
			if err != nil {
				return err
			}
			return c.run(ctx, s, a)
		})
	}

	// A command of the program may do anything: write from several goroutines,
	// go on writing after it returned, never return.
	s.out.Flush()
	w := &gate{w: answerWriter{s}}
	defer w.close()
	ended := make(chan ending, 1)
	go mark.Session(func() {
		end := ending{exited: true}
		defer func() { ended <- end }()
		how := contain(func() error { return c.apart(ctx, w, arguments) })
		how.err = plainError(how.err) // which may not return
		end = how
	})
	var canceled time.Time
	for ; ; s.pause() {
		select {
		case end := <-ended:
			return end
		default:
		}
		switch {
		case ctx.Err() == nil:
		case canceled.IsZero():
			canceled = time.Now()
		case time.Since(canceled) > grace:
			s.log().Warn("lazy: command ignores its context and was left running", "command", c.Name)
			return ending{err: errAbandoned}
		}
	}
}

// pause waits a moment, as the connection prefers.
func (s *session) pause() {
	if c, ok := s.in.conn.(interface{ Pause() }); ok {
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

// plainError returns an error with the same text and no methods of the
// program, any of which may panic: an interface that holds a nil pointer is not
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

// gate lets a command of the program write, one write at a time, until the
// command is over.
type gate struct {
	mu   sync.Mutex
	w    io.Writer
	shut bool
}

// close waits for a write, which does not last forever: what comes next must
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
