package console

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/go-manhole/lazy/console/internal/format"
	"github.com/go-manhole/lazy/internal/frame"
)

// output writes to the peer until the session has to end, or the command that
// is running. The first failure ends the session.
type output struct {
	ctx    context.Context // of the command while one is running
	cancel context.CancelCauseFunc
	conn   io.Writer
	broken atomic.Bool
}

func (o *output) Write(b []byte) (int, error) {
	if err := context.Cause(o.ctx); err != nil {
		return 0, err
	}
	n, err := o.conn.Write(b)
	if err != nil {
		o.broken.Store(true)
		o.cancel(fmt.Errorf("writing to the peer: %w", err))
	}
	return n, err
}

// answerWriter is what answers are written to.
type answerWriter struct{ s *session }

func (a answerWriter) Write(b []byte) (int, error) {
	if len(b) > 0 {
		a.s.midLine = b[len(b)-1] != '\n'
	}
	if a.s.framed {
		a.s.frame.ID = a.s.id()
		return a.s.frame.Write(b)
	}
	return a.s.output.Write(b)
}

// flush sends what was written so far. Its error is why the session must end.
func (s *session) flush() error {
	s.out.Flush()
	return context.Cause(s.ctx)
}

// put sends a frame after what was written so far.
func (s *session) put(k frame.Kind, payload []byte) {
	s.out.Flush()
	frame.Write(s.output, frame.Frame{Kind: k, ID: s.id(), Payload: payload}) // an error ends the session, see output
}

// say shows a person something that is not part of an answer.
func (s *session) say(text string, args ...any) {
	switch {
	case !s.person:
	case s.framed:
		s.put(frame.Note, fmt.Appendf(nil, text, args...))
	default:
		fmt.Fprintf(s.out, text, args...)
	}
}

// complain reports that a command failed.
func (s *session) complain(name string, err error) {
	text := fmt.Sprintf("%s: %s", name, format.OneLine(err.Error()))
	if s.framed {
		s.put(frame.Failed, []byte(text))
		return
	}
	s.out.Flush()
	if s.midLine {
		s.out.WriteByte('\n')
	}
	fmt.Fprintf(s.out, "lazy: error: %s\n", text)
}

// farewell shows the peer why the session ends, a script too: otherwise the answer
// would look complete. It bypasses output, which refuses everything once the
// context is done.
func (s *session) farewell(why error) {
	text := format.OneLine(why.Error())
	switch {
	case s.output.broken.Load():
	case s.framed:
		frame.Write(s.output.conn, frame.Frame{Kind: frame.Closing, Payload: []byte(text)})
	default:
		fmt.Fprintf(s.output.conn, "\nlazy: closing: %s\n", text)
	}
}
