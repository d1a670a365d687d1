package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/stackdump"
)

const prompt = "lazy> "

type session struct {
	ctx     context.Context // done when the session has to end; its cause says why
	cfg     Config
	framed  bool // the peer gets frames (package internal/frame)
	peer    *peer
	out     *bufio.Writer // of answers, to peer; flushed after every command
	midLine bool          // whether what was sent ends in the middle of a line
	lines   *lineReader
	last    *stackdump.Dump // what "stack diff" compares with
}

// start prepares a session; end gives back all it holds.
func start(ctx context.Context, conn Conn, cfg Config) (s *session, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var mu sync.Mutex
	ended := false
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if !ended {
			conn.SetReadDeadline(time.Unix(1, 0))
		}
	})
	s = &session{
		ctx:   ctx,
		cfg:   cfg,
		peer:  &peer{ctx: ctx, cancel: cancel, conn: conn},
		lines: &lineReader{ctx: ctx, conn: conn, idle: cfg.Idle},
	}
	s.out = bufio.NewWriter(answer{s})
	return s, func() {
		// Where the scheduler is saturated it may be seconds until that function
		// runs, so nobody waits for it.
		stop()
		mu.Lock()
		ended = true
		mu.Unlock()
		cancel(nil)
	}
}

func (s *session) serve() error {
	if s.cfg.Person {
		if err := s.report(); err != nil {
			return err
		}
	}
	return s.loop()
}

// loop answers one line after the other.
func (s *session) loop() error {
	s.lines.keys = s.cfg.Person || s.framed
	for {
		s.prompt()
		if err := s.flush(); err != nil {
			return err
		}
		line, err := s.lines.next()
		switch {
		case errors.Is(err, errInterrupted):
			if s.typed() {
				s.say("\n")
			}
			continue
		case errors.Is(err, errLong):
			s.complain("line", err)
		case errors.Is(err, io.EOF):
			if s.typed() {
				s.say("\n") // so that the shell's prompt does not stand behind ours
			}
			return s.flush()
		case err != nil:
			return err
		case line == "" && s.framed:
			continue // see package frame
		default:
			err := s.do(line)
			if errors.Is(err, errQuit) {
				return s.answered()
			}
		}
		if err := s.answered(); err != nil {
			return err
		}
	}
}

// report is what a person sees first.
func (s *session) report() error {
	s.out.WriteString(s.cfg.Greeting)
	s.out.WriteString("\n")
	s.statistics()
	return s.flush()
}

// statistics and stacks go through the command table, so that one that panics
// costs only its own part.
func (s *session) statistics() {
	s.do("stats")
	s.run(command{name: "memory", run: memory}, nil)
	s.out.WriteString("\n")
	s.do("stack")
}

// farewell tells the peer why the session ends, a script too: without it what
// it got would look whole. It goes around peer, which refuses everything once
// the context is done.
func (s *session) farewell(why error) {
	switch {
	case s.peer.broken.Load():
	case s.framed:
		frame.Write(s.peer.conn, frame.Closing, []byte(oneLine(why.Error())))
	default:
		fmt.Fprintf(s.peer.conn, "\nlazy: closing: %s\n", oneLine(why.Error()))
	}
}

// flush sends what was written so far and says whether the session goes on.
func (s *session) flush() error {
	s.out.Flush()
	return context.Cause(s.ctx)
}

// answered marks the end of what a line, or the client's opening, asked for.
func (s *session) answered() error {
	if s.framed {
		s.put(frame.Done, "")
	}
	return s.flush()
}

// put sends a frame behind what was written so far.
func (s *session) put(k frame.Kind, text string) {
	s.out.Flush()
	frame.Write(s.peer, k, []byte(text)) // an error ends the session, see peer
}

// typed says that the peer is a terminal, for all that is known.
func (s *session) typed() bool { return s.cfg.Person && !s.framed }

// prompt is for whoever types without a client that has its own.
func (s *session) prompt() {
	if !s.framed {
		s.say(prompt)
	}
}

// say tells a person something that is not part of an answer.
func (s *session) say(format string, args ...any) {
	switch {
	case !s.cfg.Person:
	case s.framed:
		s.put(frame.Note, fmt.Sprintf(format, args...))
	default:
		fmt.Fprintf(s.out, format, args...)
	}
}

// complain says that a command failed.
func (s *session) complain(name string, err error) {
	text := fmt.Sprintf("%s: %s", name, oneLine(err.Error()))
	if s.framed {
		s.put(frame.Error, text)
		return
	}
	s.out.Flush()
	if s.midLine {
		s.out.WriteByte('\n')
	}
	fmt.Fprintf(s.out, "lazy: error: %s\n", text)
}

// answer is what answers are written to.
type answer struct{ s *session }

func (a answer) Write(b []byte) (int, error) {
	if len(b) > 0 {
		a.s.midLine = b[len(b)-1] != '\n'
	}
	if a.s.framed {
		return frame.Writer{W: a.s.peer, Kind: frame.Output}.Write(b)
	}
	return a.s.peer.Write(b)
}

// peer writes to the peer until the session has to end, or the command that is
// running. The first failure ends the session.
type peer struct {
	ctx    context.Context // of the command while one is running
	cancel context.CancelCauseFunc
	conn   io.Writer
	broken atomic.Bool
}

func (p *peer) Write(b []byte) (int, error) {
	if err := context.Cause(p.ctx); err != nil {
		return 0, err
	}
	n, err := p.conn.Write(b)
	if err != nil {
		p.broken.Store(true)
		p.cancel(fmt.Errorf("writing to the peer: %w", err))
	}
	return n, err
}
