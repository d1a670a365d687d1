package console

import (
	"errors"
	"runtime"
	"sync"
)

// The rates at which a command samples if the program itself does not: one mutex
// contention in ten, and blocking from ten microseconds on (shorter ones in
// proportion).
const (
	mutexFraction = 10
	blockRate     = 10_000 // ns
)

// sample begins to sample for the profile block or mutex, until stop is called.
func sample(s *session, name string, rate int) (stop func()) {
	if name == "mutex" {
		return sampleMutexes()
	}
	return sampleBlocking(s, rate)
}

// sampleMutexes samples until stop is called. If the program itself samples, its
// rate is used.
//
// A mutex whose queue was not empty when sampling began, and has not been empty
// since, is not in the profile: the next in the queue gets a start time only if
// the one before had one (semaRoot.dequeue in runtime/sema.go, Go 1.26).
func sampleMutexes() (stop func()) {
	if runtime.SetMutexProfileFraction(-1) != 0 {
		return func() {}
	}
	runtime.SetMutexProfileFraction(mutexFraction)
	return func() {
		// Unless the program has set another one since.
		if runtime.SetMutexProfileFraction(-1) == mutexFraction {
			runtime.SetMutexProfileFraction(0)
		}
	}
}

var errBlockRate = errors.New("the program itself samples blocking, or did, and its rate cannot be read; " +
	"this is its own profile. -rate 10000 samples anew and then switches sampling off")

// blocked is how many events the block profile held when the console last
// stopped sampling them.
var blocked struct {
	sync.Mutex
	events int64
}

// sampleBlocking samples until stop is called.
//
// The runtime does not report the rate, so it cannot be restored. It is assumed to
// be off if the profile holds no events but those that this function caused;
// otherwise the program samples, and its rate is left alone unless rate forces
// another.
func sampleBlocking(s *session, rate int) (stop func()) {
	blocked.Lock()
	switch {
	case rate == 0 && blockEvents() != blocked.events:
		s.say("lazy: %v\n", errBlockRate)
		return blocked.Unlock
	case rate == 0:
		rate = blockRate
	}
	runtime.SetBlockProfileRate(rate)
	return func() {
		runtime.SetBlockProfileRate(0)
		blocked.events = blockEvents()
		blocked.Unlock()
	}
}

// blockEvents returns how many events the block profile holds.
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
