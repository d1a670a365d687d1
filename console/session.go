package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy/stackdump"
)

const prompt = "lazy> "

type session struct {
	ctx   context.Context // done when the session has to end; its cause says why
	cfg   Config
	peer  *peer
	out   *bufio.Writer // to peer; flushed after every command
	lines *lineReader
	last  *stackdump.Dump // what "stack diff" compares with
}

// start prepares a session; end gives back all it holds.
func start(ctx context.Context, conn Conn, cfg Config) (s *session, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		conn.SetReadDeadline(time.Unix(1, 0))
	})
	p := &peer{ctx: ctx, cancel: cancel, conn: conn}
	s = &session{
		ctx:   ctx,
		cfg:   cfg,
		peer:  p,
		out:   bufio.NewWriter(p),
		lines: &lineReader{ctx: ctx, conn: conn, idle: cfg.Idle},
	}
	return s, func() {
		if !stop() {
			<-interrupted
		}
		cancel(nil)
	}
}

func (s *session) serve() error {
	if s.cfg.Person {
		if err := s.report(); err != nil {
			return err
		}
	}
	for {
		s.say(prompt)
		if err := s.flush(); err != nil {
			return err
		}
		line, err := s.lines.next()
		switch {
		case errors.Is(err, errLong):
			s.complain("line", err)
		case errors.Is(err, io.EOF):
			s.say("\n") // so that the shell's prompt does not stand behind ours
			return s.flush()
		case err != nil:
			return err
		default:
			err := s.do(line)
			if errors.Is(err, errQuit) {
				return s.flush()
			}
		}
	}
}

// report is what a person sees first. The parts go through the command table,
// so that one that panics costs only its own part.
func (s *session) report() error {
	s.out.WriteString(s.cfg.Greeting)
	s.out.WriteString("\n")
	s.do("stats")
	s.run(command{name: "memory", run: memory}, nil)
	s.out.WriteString("\n")
	s.do("stack")
	return s.flush()
}

// farewell tells the peer why the session ends, a script too: without it what
// it got would look whole. It goes around peer, which refuses everything once
// the context is done.
func (s *session) farewell(why error) {
	if !s.peer.broken.Load() {
		fmt.Fprintf(s.peer.conn, "\nlazy: closing: %s\n", oneLine(why.Error()))
	}
}

// flush sends what was written so far and says whether the session goes on.
func (s *session) flush() error {
	s.out.Flush()
	return context.Cause(s.ctx)
}

// say tells a person something that is not part of an answer.
func (s *session) say(format string, args ...any) {
	if s.cfg.Person {
		fmt.Fprintf(s.out, format, args...)
	}
}

// complain says that a command failed.
func (s *session) complain(name string, err error) {
	fmt.Fprintf(s.out, "lazy: error: %s: %s\n", name, oneLine(err.Error()))
}

// peer writes to the peer until the session has to end. The first failure
// ends it, and with it the command that is running.
type peer struct {
	ctx    context.Context
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
