package console

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/stackdump"
)

const prompt = "lazy> "

// A session is one peer, from its first byte to its last.
type session struct {
	ctx    context.Context // done when the session has to end; its cause says why
	cfg    Config
	person bool // the peer is shown progress and what to do
	framed bool // the peer is a client that speaks frames

	in       *input
	requests *requests // read from in, if framed
	output   *output
	frame    frame.Writer    // of answers, to output, if framed
	out      *bufio.Writer   // of answers, to output; flushed after every command
	midLine  bool            // whether what was sent ends in the middle of a line
	work     *work           // what is being answered
	table    []command       // once they were looked for
	last     *stackdump.Dump // what "stack diff" compares with
	screen   screen          // of a person
}

// start prepares a session; end gives back all it holds.
func start(ctx context.Context, conn Conn, cfg Config) (s *session, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var mu sync.Mutex
	ended := false
	stop := context.AfterFunc(ctx, func() {
		mark.Session(func() {
			mu.Lock()
			defer mu.Unlock()
			if !ended {
				conn.SetReadDeadline(time.Unix(1, 0))
			}
		})
	})
	s = &session{
		ctx:    ctx,
		cfg:    cfg,
		in:     &input{ctx: ctx, conn: conn, idle: cfg.Idle},
		output: &output{ctx: ctx, cancel: cancel, conn: conn},
	}
	s.frame = frame.Writer{W: s.output, Kind: frame.Output}
	s.out = bufio.NewWriter(answerWriter{s})
	return s, func() {
		// Where the scheduler is saturated it may be seconds until that function
		// runs, so it is not waited for.
		stop()
		mu.Lock()
		ended = true
		mu.Unlock()
		cancel(nil)
	}
}

// text holds a session with a person at a terminal, or with a script.
func (s *session) text(person bool) error {
	s.person = person
	s.in.keys = person
	var err error
	if person {
		s.out.WriteString(s.cfg.Greeting)
		s.out.WriteString("\n")
		s.answer(new(work), s.glance)
		err = s.flush()
	}
	if err == nil {
		err = s.lines()
	}
	if err != nil {
		s.farewell(err)
	}
	return err
}

// lines answers one line after the other.
func (s *session) lines() error {
	for {
		s.say(prompt)
		if err := s.flush(); err != nil {
			return err
		}
		line, err := s.in.line()
		switch {
		case errors.Is(err, errInterrupted):
			s.say("\n")
			continue
		case errors.Is(err, errLong):
			s.complain("line", err)
		case errors.Is(err, io.EOF):
			s.say("\n") // so that the shell's prompt does not follow ours
			return s.flush()
		case err != nil:
			return err
		default:
			quits := false
			s.answer(new(work), func() { quits = s.do(line) == errQuit })
			if quits {
				return s.flush()
			}
		}
		if err := s.flush(); err != nil {
			return err
		}
	}
}

// report is all that a peer gets that closed its input without a word.
func (s *session) report() error {
	s.person = true
	s.out.WriteString(s.cfg.Greeting)
	s.out.WriteString("\n")
	s.answer(new(work), s.statistics)
	return s.flush()
}

// statistics and stacks go through the command table, so that one that panics
// costs only its own part.
func (s *session) statistics() {
	for _, part := range []func() error{
		func() error { return s.do("stats") },
		func() error { return s.run(command{frame.Command{Name: "memory"}, action{run: memorySummary}}, nil) },
		func() error {
			s.out.WriteString("\n")
			return s.run(command{frame.Command{Name: "stack"}, action{run: greetWithStacks}}, nil)
		},
	} {
		if part() == errInterrupted {
			return
		}
	}
}

// typed reports whether the peer is a person without a client, whose terminal
// shows everything as it is.
func (s *session) typed() bool { return s.person && !s.framed }

func (s *session) log() *slog.Logger {
	if s.cfg.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.cfg.Log
}
