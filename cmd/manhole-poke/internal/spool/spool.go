// Package spool keeps an answer for who takes their time to read it.
package spool

import (
	"io"
	"sync"
)

// A Spool stands between an answer and what shows it, which is looked at in
// its own time: a terminal that Ctrl-S stopped, a pager that waits for a key.
// A process whose peer reads nothing for ten seconds ends the session. It is
// safe for concurrent use.
type Spool struct {
	w io.Writer

	mu       sync.Mutex
	changed  *sync.Cond
	kept     []byte
	writing  bool
	dropping bool
	last     byte  // that was written
	err      error // of w, for good
}

// spoolMost is where even a Spool makes the process wait.
const spoolMost = 256 << 20

// New returns one that writes to w, from a goroutine of its own while
// there is something to write.
func New(w io.Writer) *Spool {
	s := &Spool{w: w}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// Write keeps p to be written later, and waits only if that has become very
// much. It takes all of p in any case, and returns the error of an earlier one:
// after it nothing is written any more.
func (s *Spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.kept) > spoolMost && s.err == nil {
		s.changed.Wait()
	}
	if s.err != nil || s.dropping {
		return len(p), s.err
	}
	s.kept = append(s.kept, p...)
	if !s.writing {
		s.writing = true
		go s.drain()
	}
	return len(p), nil
}

func (s *Spool) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.kept) > 0 && s.err == nil {
		// Little at a time, so that Drop comes soon.
		part := s.kept[:min(len(s.kept), 16<<10)]
		s.kept = s.kept[len(part):]
		s.changed.Broadcast()
		s.mu.Unlock()
		_, err := s.w.Write(part)
		s.mu.Lock()
		s.last, s.err = part[len(part)-1], err
	}
	s.kept = nil
	s.writing = false
	s.changed.Broadcast()
}

// Drop throws away what was not written yet, and what comes until Flush.
func (s *Spool) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, s.dropping = nil, true
	s.changed.Broadcast()
}

// Flush returns when all is written, with the error of that if there was one.
// What was cut short by Drop gets an end of line.
func (s *Spool) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.writing {
		s.changed.Wait()
	}
	if s.dropping && s.last != '\n' && s.err == nil {
		s.last = '\n'
		_, s.err = s.w.Write([]byte{s.last})
	}
	s.dropping = false
	return s.err
}
