//go:build linux || darwin || freebsd

package session

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/internal/frame"
)

// Options say how a session begins.
type Options struct {
	Timeout  time.Duration // for the greeting
	Progress bool          // a person watches: notes and progress are wanted
	Report   bool          // statistics and stacks first, see [Session.Report]

	// Columns and Lines are the size of the person's terminal, which the report
	// has to fit; 0 if it is not known.
	Columns, Lines int
}

// A Session is a conversation with a process. Its methods are safe for
// concurrent use.
type Session struct {
	greeting frame.Greeting
	p        *process.Process
	conn     *net.UnixConn
	ctx      context.Context
	cancel   context.CancelCauseFunc

	writing sync.Mutex // a frame at a time
	mu      sync.Mutex
	last    uint32              // ID of the last request
	pending map[uint32]*Request // not answered yet
	report  *Request

	closing sync.Once
	ended   chan struct{} // closed when err and clean are set
	err     error
	clean   bool // the process closed the connection between two frames
}

// Open begins a session on conn, which it takes over: it is closed if Open
// fails. p stays open in that case; otherwise [Session.Close] closes it.
//
// The session ends with ctx, whose cause is then the error of whatever waits.
// An error for which [WillPass] is true is gone in a moment, after which a new
// connection may succeed.
func Open(ctx context.Context, conn *net.UnixConn, p *process.Process, o Options) (*Session, error) {
	s := &Session{p: p, conn: conn, pending: map[uint32]*Request{}, ended: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	context.AfterFunc(s.ctx, func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(o.Timeout))
	preface := frame.Preface
	if o.Progress {
		preface += " " + frame.WantsProgress
	}
	if o.Report {
		preface += " " + frame.WantsReport
		if o.Columns > 0 && o.Lines > 0 {
			preface += fmt.Sprintf(" %s%dx%d", frame.ScreenIs, o.Columns, o.Lines)
		}
		s.report = s.expect(0)
	}
	// A process that turns us away has hung up already; its line is there.
	io.WriteString(conn, preface+"\n")
	in := bufio.NewReader(conn)
	err := s.readGreeting(in)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = p.NoAnswer("no-greeting", "%s was connected to, but said nothing within %v", p, o.Timeout)
	}
	if err != nil {
		s.cancel(nil)
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	go s.read(in, o.Timeout)
	return s, nil
}

func (s *Session) readGreeting(in *bufio.Reader) error {
	first, err := in.Peek(1)
	if err != nil {
		return s.explain(err)
	}
	if first[0] == ownWords[0] {
		line, err := readRefusal(in)
		if IsTurnedAway(line) {
			return TurnedAway(s.p, line)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		return exit.Errorf(exit.Broken, "not-understood", "%s says %q, which is not understood (%v); try nc", s.p, line, err)
	}
	f, err := frame.Read(in)
	switch {
	case err != nil:
		return s.explain(err)
	case f.Kind == frame.Closing:
		return s.said(f.Payload)
	case f.Kind != frame.Hello:
		return s.garbled(f)
	}
	if err := json.Unmarshal(f.Payload, &s.greeting); err != nil {
		return exit.Errorf(exit.Broken, "not-understood", "the greeting of %s is not understood (%v); try nc, or the manhole-poke of its version of lazy", s.p, err)
	}
	sanitise(&s.greeting)
	return nil
}

// maxRefusal is more than a process says when it gives no session.
const maxRefusal = 4 << 10

// readRefusal returns the line, or the beginning of one that does not end.
func readRefusal(in *bufio.Reader) (line string, err error) {
	var b []byte
	for len(b) < maxRefusal && err == nil {
		var c byte
		if c, err = in.ReadByte(); c == '\n' {
			break
		}
		b = append(b, c)
	}
	return strings.TrimSpace(string(bytes.TrimRight(b, "\x00"))), err
}

// read passes on the frames until the session ends. It reads no further while
// nobody takes a frame, so a process whose answer nobody wants has to wait. A
// process may take its time to answer, but not stop in the middle of a frame.
func (s *Session) read(in *bufio.Reader, timeout time.Duration) {
	defer close(s.ended)
	for {
		f, err := frame.Frame{}, error(nil)
		if _, err = in.Peek(1); err == nil {
			s.conn.SetReadDeadline(time.Now().Add(timeout))
			f, err = frame.Read(in)
			s.conn.SetReadDeadline(time.Time{})
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && s.ctx.Err() == nil {
			s.err = s.p.NoAnswer("stalled", "%s stopped in the middle of an answer for %v", s.p, timeout)
			return
		}
		if err != nil {
			s.clean = err == io.EOF
			s.err = s.explain(err)
			return
		}
		if f.Kind == frame.Closing {
			s.err = s.said(f.Payload)
			return
		}
		s.mu.Lock()
		r := s.pending[f.ID]
		if f.Kind == frame.Done {
			delete(s.pending, f.ID)
		}
		s.mu.Unlock()
		if r == nil {
			s.err = s.garbled(f)
			return
		}
		select {
		case r.frames <- f:
		case <-s.ctx.Done():
			s.err = context.Cause(s.ctx)
			return
		}
	}
}

// Greeting returns what the process said at the beginning.
func (s *Session) Greeting() frame.Greeting { return s.greeting }

// Process returns the process. It is open until [Session.Close].
func (s *Session) Process() *process.Process { return s.p }

// Context returns a context that ends with the one given to [Open] and when the
// session is closed or aborted, but not when the process ends the session.
func (s *Session) Context() context.Context { return s.ctx }

// Ended returns a channel that is closed when the session is over. While an
// answer waits to be read, the end behind it is not noticed.
func (s *Session) Ended() <-chan struct{} { return s.ended }

// Err returns why the session ended, after that.
func (s *Session) Err() error {
	<-s.ended
	return s.err
}

// Abort ends the session. cause is the error of whatever waits for an answer.
func (s *Session) Abort(cause error) { s.cancel(cause) }

// Leave ends a session in which nothing runs, as the end of input does, and
// returns when the process is ready for the next session, or after two seconds.
// Close is called as well.
func (s *Session) Leave() {
	s.conn.CloseWrite()
	late := time.NewTimer(2 * time.Second)
	defer late.Stop()
	select {
	case <-s.ended:
	case <-late.C:
	}
	s.Close()
}

// Close ends the session, with the command that runs, and closes the process.
// It may be called more than once.
func (s *Session) Close() {
	s.closing.Do(func() {
		s.cancel(nil)
		s.conn.Close()
		<-s.ended
		s.p.Close()
	})
}

func (s *Session) garbled(f frame.Frame) error {
	return exit.Errorf(exit.Broken, "not-understood", "%s sends a frame of kind %q for request %d, which is not understood; try nc, or the manhole-poke of its version of lazy", s.p, byte(f.Kind), f.ID)
}

// said returns the error for a session that the process ends.
func (s *Session) said(why []byte) error {
	return exit.Errorf(exit.Broken, "session-ended", "%s ended the session: %s; start another if you were not done", s.p, printable.Line(string(why)))
}

// explain returns the error for an error of the connection.
func (s *Session) explain(err error) error {
	switch {
	case s.ctx.Err() != nil:
		return context.Cause(s.ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case s.p.Exited():
		return exit.Errorf(exit.Broken, "exited", "%s exited during the session; its own log may say why", s.p)
	case s.greeting.Text == "":
		return HungUp(s.p)
	}
	return exit.Errorf(exit.Broken, "session-ended", "the connection to %s ended (%v) before all was said; try again", s.p, err)
}

// errTooLong is the failure of a line that is not sent.
var errTooLong = fmt.Sprintf("the line is longer than %d bytes; use one command a line", frame.MaxLine)
