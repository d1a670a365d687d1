package console

import "sync"

// A traceBuffer stands between the runtime's tracer and the peer. The tracer
// must never wait: what it cannot hand over piles up in the runtime without
// limit, and trace.Stop, the program's own too, would wait for this peer. So
// Write only keeps, and the session takes what is kept and sends it.
//
// Above traceHighWater the buffer asks for the end of the trace, which leaves a
// shorter but whole one. What the tracer hands over while it ends is kept as
// well, up to maxTrace.
type traceBuffer struct {
	full chan struct{} // closed when the trace should end

	mu    sync.Mutex
	kept  []byte
	ended bool // full is closed
	lost  int
}

const (
	traceHighWater = 32 << 20
	maxTrace       = 96 << 20
)

func newTraceBuffer() *traceBuffer { return &traceBuffer{full: make(chan struct{})} }

func (t *traceBuffer) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept)+len(b) > maxTrace {
		t.lost += len(b)
		return len(b), nil
	}
	t.kept = append(t.kept, b...)
	if len(t.kept) > traceHighWater && !t.ended {
		t.ended = true
		close(t.full)
	}
	return len(b), nil
}

// take returns what was kept since the last call, and how much was lost so far.
func (t *traceBuffer) take() (kept []byte, lost int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept, t.kept = t.kept, nil
	return kept, t.lost
}
