package console

import "sync"

// A traceBuffer stands between the runtime's tracer and the peer. The tracer
// must never wait: what it cannot hand over piles up in the runtime without
// limit, and trace.Stop, the program's own too, would wait for this peer. So
// Write only keeps, and the session takes what is kept and sends it.
//
// Above highWater the buffer asks for the end of the trace, which leaves a
// shorter but whole one. What the tracer hands over while it ends is kept as
// well, up to max.
type traceBuffer struct {
	full           chan struct{} // closed when the trace should end
	highWater, max int

	mu    sync.Mutex
	kept  []byte
	ended bool // full is closed
	lost  int
}

const (
	traceHighWater = 32 << 20
	maxTrace       = 96 << 20
)

// What a trace needs, in bytes: the buffers of the tracer and of this, and the
// status of every goroutine in each of its generations.
const (
	traceNeed = 24 << 20
	perTraced = 400
)

// newTraceBuffer returns a buffer for at most limit bytes.
func newTraceBuffer(limit int) *traceBuffer {
	return &traceBuffer{full: make(chan struct{}), highWater: min(traceHighWater, limit/3), max: limit}
}

func (t *traceBuffer) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept)+len(b) > t.max {
		t.lost += len(b)
		return len(b), nil
	}
	t.kept = append(t.kept, b...)
	if len(t.kept) > t.highWater && !t.ended {
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
