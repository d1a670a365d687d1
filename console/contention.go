package console

import (
	"context"
	"errors"
	"io"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

// What is sampled while a command asks for it, if the program samples nothing
// itself: one mutex contention in ten, and blocking from ten microseconds on
// (shorter ones in proportion).
const (
	mutexFraction = 10
	blockRate     = 10_000 // ns
)

// mutexProfile samples for d and writes the profile. A program's own sampling
// is used as it is.
//
// A mutex whose queue was not empty when sampling began, and has not been
// since, is not in the profile: who takes over the head of the queue is given
// a start of waiting only if the one before had one (semaRoot.dequeue in
// runtime/sema.go, Go 1.26).
func mutexProfile(ctx context.Context, w io.Writer, d time.Duration, p *countdown) error {
	if runtime.SetMutexProfileFraction(-1) == 0 {
		runtime.SetMutexProfileFraction(mutexFraction)
		defer func() {
			// Unless the program has set another one meanwhile.
			if runtime.SetMutexProfileFraction(-1) == mutexFraction {
				runtime.SetMutexProfileFraction(0)
			}
		}()
	}
	if err := p.wait(ctx, d); err != nil {
		return err
	}
	return pprof.Lookup("mutex").WriteTo(w, 0)
}

var errBlockRate = errors.New("the program samples blocking itself, or did, and its rate can't be read; " +
	"this is its own profile. -rate 10000 samples anew and afterwards switches off")

// blocked is how many events the block profile held when the console last
// stopped sampling them.
var blocked struct {
	sync.Mutex
	events int64
}

// blockProfile samples for d and writes the profile.
//
// The runtime does not tell the rate, so what it was can't be restored. It is
// taken to have been off if the profile holds no event but those that this
// function caused; otherwise the program samples, and its rate is left alone
// unless rate forces another.
func blockProfile(ctx context.Context, s *session, w io.Writer, d time.Duration, rate int, p *countdown) error {
	blocked.Lock()
	defer blocked.Unlock()
	switch {
	case rate == 0 && blockEvents() != blocked.events:
		s.say("lazy: %v\n", errBlockRate)
	case rate == 0:
		rate = blockRate
		fallthrough
	default:
		runtime.SetBlockProfileRate(rate)
		defer func() {
			runtime.SetBlockProfileRate(0)
			blocked.events = blockEvents()
		}()
	}
	if err := p.wait(ctx, d); err != nil {
		return err
	}
	return pprof.Lookup("block").WriteTo(w, 0)
}

// blockEvents is how many events the block profile holds.
func blockEvents() (events int64) {
	var records []runtime.BlockProfileRecord
	n, ok := runtime.BlockProfile(nil)
	for !ok {
		records = make([]runtime.BlockProfileRecord, n+50)
		n, ok = runtime.BlockProfile(records)
	}
	for _, r := range records[:n] {
		events += r.Count
	}
	return events
}
