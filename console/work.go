package console

import (
	"context"
	"errors"
	"io"
	"time"
)

var errInterrupted = errors.New("interrupted")

// work is what the session is answering: a line, or the report.
type work struct {
	id uint32 // of the request, in a framed session

	ctx    context.Context // done when the session has to end, or with errInterrupted
	cancel context.CancelCauseFunc

	enough   chan struct{} // closed when the peer wants no more
	finished bool          // enough is closed
	listens  bool          // in text: whatever the peer sends closes enough
	atEnd    bool          // so does the end of input
	endless  bool          // in frames: a line that waits closes enough
}

// finish ends early what takes its time.
func (w *work) finish() {
	if !w.finished {
		w.finished = true
		close(w.enough)
	}
}

// id is that of the request that is being answered.
func (s *session) id() uint32 {
	if s.work == nil {
		return 0
	}
	return s.work.id
}

// answer calls f to do the work, during which the peer can interrupt or finish
// it.
func (s *session) answer(w *work, f func()) {
	w.ctx, w.cancel = context.WithCancelCause(s.ctx)
	defer w.cancel(nil)
	w.enough = make(chan struct{})
	s.work = w
	defer func() { s.work = nil }()
	came := func() { s.heard(w) }
	if s.framed {
		came = func() { s.requests.parse() }
	}
	stop := s.in.attend(came)
	if s.framed {
		s.in.listen()
	}
	defer func() {
		stop()
		if w.listens && w.finished {
			s.in.answered()
		}
	}()
	f()
}

// heard is called, with s.in.mu held, when the peer may have sent something in
// a text session while w is done.
func (s *session) heard(w *work) {
	in := s.in
	if in.interrupted() {
		w.cancel(errInterrupted)
	}
	if w.listens && (in.from < in.to || in.err != nil && (w.atEnd || in.err != io.EOF)) {
		w.finish()
	}
}

// enough returns a channel that is closed when the peer wants no more of what
// the command does. In text that is the next line; the end of input counts if
// atEnd is set. In frames it is Finish.
func (s *session) enough(atEnd bool) <-chan struct{} {
	w := s.work
	if s.framed {
		return w.enough
	}
	s.in.mu.Lock()
	w.listens, w.atEnd = true, atEnd
	s.heard(w)
	s.in.mu.Unlock()
	s.in.listen()
	return w.enough
}

// endless has the next line finish the command in frames, too. It is for a
// command that ends in no other way, so that a script that goes on does not wait
// forever.
func (s *session) endless() {
	if !s.framed {
		return
	}
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.work.endless = true
	if len(s.requests.waiting) > 0 {
		s.work.finish()
	}
}

// waitFor waits for d, and looks for what the peer sends. It returns true as
// soon as enough is closed.
func (s *session) waitFor(enough <-chan struct{}, d time.Duration) bool {
	for start := time.Now(); ; s.pause() {
		s.in.poll()
		select {
		case <-enough:
			return true
		default:
		}
		if time.Since(start) >= d {
			return false
		}
	}
}
