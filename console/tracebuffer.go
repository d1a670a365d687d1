package console

import "sync"

// spool stands between the runtime's tracer and the peer. The tracer must
// never wait: what it cannot hand over piles up in the runtime without limit,
// and trace.Stop, the program's own too, would wait for our peer. So Write
// only keeps, and whoever serves the peer takes.
//
// At spoolEnough it asks for the end of the trace, which leaves a shorter but
// whole one. What the tracer hands over in ending is kept as well, up to
// spoolMost.
type spool struct {
	enough chan struct{} // closed when the trace should end

	mu   sync.Mutex
	kept []byte
	full bool
	lost int
}

const (
	spoolEnough = 32 << 20
	spoolMost   = 96 << 20
)

func newSpool() *spool { return &spool{enough: make(chan struct{})} }

func (s *spool) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept)+len(b) > spoolMost {
		s.lost += len(b)
		return len(b), nil
	}
	s.kept = append(s.kept, b...)
	if len(s.kept) > spoolEnough && !s.full {
		s.full = true
		close(s.enough)
	}
	return len(b), nil
}

// take returns what was kept since it was last called.
func (s *spool) take() (kept []byte, lost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, s.kept = s.kept, nil
	return kept, s.lost
}
