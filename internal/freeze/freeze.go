// Package freeze makes a copy of this process that stands still while the process
// runs on, for a debugger.
//
// # The copy
//
// It is a clone(2) without CLONE_VM: memory is shared until one of the two writes
// to it. It has one thread, which closes every descriptor, asks to be killed when
// the process ends (PR_SET_PDEATHSIG) and when the system needs memory
// (oom_score_adj), and sleeps with all signals blocked until its time is over. It
// is no child for wait(2) without __WALL, and sends no SIGCHLD.
//
// # The goroutines
//
// The debugger reads where a goroutine is from what the runtime saved when the
// goroutine last left its thread. So that this is true of those as well that were
// running, the copy is made while GOMAXPROCS is 1: then the goroutine that makes
// it is the only one that runs. This stops the world twice. Where the world does
// not stop within [stopTimeout], because a collection of garbage is under way,
// the copy is made without it.
//
// Shared memory (MAP_SHARED) stays shared, regions with MADV_DONTFORK are missing,
// and so are the other threads with their registers.
package freeze

import (
	"errors"
	"time"
)

// A Request says what is wanted.
type Request struct {
	For    time.Duration // after which the copy ends by itself
	Tracer int           // PID that may trace the copy besides root, where Yama restricts that; 0 is none
	Pause  func()        // waits a moment: a millisecond or so
}

// Taken is what is known of a copy.
type Taken struct {
	PID        int
	When       time.Time
	Until      time.Time     // it ends by itself
	Stood      time.Duration // how long no goroutine ran
	Goroutines int
	Inexact    string // why the places of running goroutines are not exact, or ""
}

// ErrTaken is the error of [Take] while there is a copy.
var ErrTaken = errors.New("there is a copy of this process already, and there may be one at a time; try again when its session has ended")

// stopTimeout is how long the goroutines may take to stop.
const stopTimeout = time.Second
