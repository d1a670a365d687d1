package console

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/trace"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/internal/memory"
)

func traceFor(ctx context.Context, s *session, a *args.Parsed) error {
	if err := a.AtMost(1, "try help trace"); err != nil {
		return err
	}
	d, err := a.WordDuration(0, traceTime)
	if err != nil {
		return err
	}
	force, err := s.forced(a)
	if err != nil {
		return err
	}
	if s.typed() {
		return s.refuseBinary([]string{"trace", d.String()}, "trace", ".out", "go tool trace", "")
	}
	return s.howToForce(executionTrace(ctx, s.out, d, force, s.countdown("trace")), "stack", "trace", a)
}

// executionTrace writes an execution trace of d. A peer that reads too slowly gets
// a shorter one. Without force it fails with a *shortage if too little memory is
// left.
func executionTrace(ctx context.Context, w io.Writer, d time.Duration, force bool, p *countdown) error {
	bound := int64(maxTrace)
	room := memory.Left()
	// The tracer takes its memory from the system, whatever the heap has free.
	if outside := memory.LeftOutside(); room.Bytes < 0 || outside.Bytes >= 0 && outside.Bytes < room.Bytes {
		room = outside
	}
	if !force && room.Bytes >= 0 {
		need := traceNeed + int64(runtime.NumGoroutine())*perTraced
		if !room.Fits(need) {
			return &shortage{"a trace", need, room}
		}
		bound = min(bound, room.Bytes/2)
	}
	buffer := newTraceBuffer(int(bound))
	if err := trace.Start(buffer); err != nil {
		return fmt.Errorf("%w; the program itself is tracing; try again when that has ended", err)
	}
	enough := p.enough()
	// The trace ends on time, even if writing to the peer blocks.
	gone, stopped := make(chan struct{}), make(chan struct{})
	go mark.Session(func() {
		defer close(stopped)
		defer trace.Stop()
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-enough:
		case <-buffer.full:
		case <-ctx.Done():
		case <-gone:
		}
	})
	defer func() { <-stopped }()
	defer close(gone)
	end, shown := time.Now().Add(d), time.Time{}
	defer p.show(d, 0)
	for over := false; !over; {
		t := time.NewTimer(100 * time.Millisecond)
		select {
		case <-stopped:
			over = true
		case <-t.C:
		}
		t.Stop()
		if left := time.Until(end); left > 0 && time.Since(shown) >= time.Second {
			shown = time.Now()
			p.show(d, left)
		}
		kept, lost := buffer.take()
		if _, err := w.Write(kept); err != nil {
			return err
		}
		if lost > 0 {
			return fmt.Errorf("%d bytes of the trace were lost because the reader was too slow; try a shorter trace", lost)
		}
	}
	select {
	case <-buffer.full:
		p.say("trace: ended early, at %d MiB, because the reader is too slow\n", buffer.highWater>>20)
	default:
	}
	return ctx.Err()
}
