package console

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime/pprof"
	"runtime/trace"
	"time"
)

// What gops takes its time for.
const (
	cpuTime   = 30 * time.Second
	traceTime = 5 * time.Second
)

// cpuProfile writes a CPU profile of d, or of the time until ctx is done.
// tick, if any, is called with what is left of it, about every second.
//
// The profile is collected before it is sent: runtime/pprof holds its lock
// while it writes, and the program's own use of it must not wait for a slow
// peer. The runtime keeps the whole of it in memory anyhow.
func cpuProfile(ctx context.Context, w io.Writer, d time.Duration, tick func(left time.Duration)) error {
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		return fmt.Errorf("%w; the program profiles itself: wait until it has ended", err)
	}
	func() {
		defer pprof.StopCPUProfile() // also if tick panics
		wait(ctx, d, tick)
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := w.Write(profile.Bytes())
	return err
}

// executionTrace writes an execution trace of d, or of the time until ctx is
// done. A peer that reads so slowly that the spool fills up gets a shorter one.
func executionTrace(ctx context.Context, w io.Writer, d time.Duration) error {
	sp := newSpool()
	if err := trace.Start(sp); err != nil {
		return fmt.Errorf("%w; the program traces itself: wait until it has ended", err)
	}
	// The trace ends on time, whatever the peer does to our writing.
	gone, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		defer trace.Stop()
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-sp.enough:
		case <-ctx.Done():
		case <-gone:
		}
	}()
	defer func() { <-stopped }()
	defer close(gone)
	for over := false; ; {
		t := time.NewTimer(100 * time.Millisecond)
		select {
		case <-stopped:
			over = true
		case <-t.C:
		}
		t.Stop()
		kept, lost := sp.take()
		if _, err := w.Write(kept); err != nil {
			return err
		}
		if lost > 0 {
			return fmt.Errorf("%d bytes of the trace were lost because they were read too slowly; try a shorter one", lost)
		}
		if over {
			return ctx.Err()
		}
	}
}

// wait sleeps for d or until ctx is done.
func wait(ctx context.Context, d time.Duration, tick func(left time.Duration)) {
	end := time.Now().Add(d)
	for {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		step := left
		if tick != nil {
			tick(left)
			step = min(left, time.Second)
		}
		t := time.NewTimer(step)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}
