package main

import (
	"io"
	"sync"
)

// A spool stands between an answer and what shows it, which is looked at in
// its own time: a terminal that Ctrl-S stopped, a pager that waits for a key.
// A process whose peer reads nothing for ten seconds ends the session.
type spool struct {
	w io.Writer

	mu       sync.Mutex
	changed  *sync.Cond
	kept     []byte
	writing  bool
	dropping bool
	last     byte  // that was written
	err      error // of w, for good
}

// spoolMost is where even a spool makes the process wait.
const spoolMost = 256 << 20

func newSpool(w io.Writer) *spool {
	s := &spool{w: w}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// Write returns the error of an earlier one.
func (s *spool) Write(p []byte) (int, error) {
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

func (s *spool) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.kept) > 0 && s.err == nil {
		// Little at a time, so that drop comes soon.
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

// drop throws away what was not written yet, and what comes until flush.
func (s *spool) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, s.dropping = nil, true
	s.changed.Broadcast()
}

// flush returns when all is written. What was cut short by drop gets an end of
// line.
func (s *spool) flush() error {
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
