// Package spool buffers output for a slow reader.
package spool

import (
	"io"
	"sync"
)

// A Spool buffers what is written to it and writes it on from a goroutine. It
// lets a command's answer be received while the terminal is stopped (Ctrl-S) or
// the pager waits for a key: an armed process ends the session if its client
// reads nothing for ten seconds. A Spool is safe for concurrent use.
type Spool struct {
	w io.Writer

	mu       sync.Mutex
	changed  *sync.Cond
	buffered []byte
	writing  bool  // the goroutine runs
	dropping bool  // until Flush
	last     byte  // written
	err      error // of w; it is final
}

// maxSpooled is how many bytes are buffered before Write waits.
const maxSpooled = 256 << 20

// New returns a Spool that writes to w. Its goroutine runs only while there is
// something to write.
func New(w io.Writer) *Spool {
	s := &Spool{w: w}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// Write buffers p. It waits only if very much is buffered. It takes all of p in
// any case; the error is that of an earlier write to w, after which nothing more
// is written.
func (s *Spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.buffered) > maxSpooled && s.err == nil {
		s.changed.Wait()
	}
	if s.err != nil || s.dropping {
		return len(p), s.err
	}
	s.buffered = append(s.buffered, p...)
	if !s.writing {
		s.writing = true
		go s.drain()
	}
	return len(p), nil
}

func (s *Spool) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.buffered) > 0 && s.err == nil {
		// In small parts, so that Drop takes effect soon.
		part := s.buffered[:min(len(s.buffered), 16<<10)]
		s.buffered = s.buffered[len(part):]
		s.changed.Broadcast()
		s.mu.Unlock()
		_, err := s.w.Write(part)
		s.mu.Lock()
		s.last, s.err = part[len(part)-1], err
	}
	s.buffered = nil
	s.writing = false
	s.changed.Broadcast()
}

// Drop discards what is buffered, and what is written until the next Flush.
func (s *Spool) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buffered, s.dropping = nil, true
	s.changed.Broadcast()
}

// Flush waits until all is written, and returns the error of that. If output was
// dropped in the middle of a line, it ends the line.
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
