//go:build amd64 || arm64

package freeze

import (
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy/internal/mark"
)

// The stages of a keeper.
const (
	stopping  = iota // waits for the other goroutines to stop
	copying          // one of its goroutines runs alone
	copied           // GOMAXPROCS is to be restored
	abandoned        // nobody waits any more; it restores GOMAXPROCS and ends
)

// A keeper stops the other goroutines, makes the copy, and keeps the thread by
// which it was made for as long as the copy is there.
type keeper struct {
	c           *Copy
	stage       atomic.Int32
	stopped     time.Duration // when one goroutine ran alone, see monotonic
	err         error         // of the copy
	cloned      chan error
	leave, left chan struct{}
	restoring   chan struct{} // closed when GOMAXPROCS is what it was
	before      atomic.Int64  // GOMAXPROCS
	watchdog    *time.Timer
	finished    atomic.Bool // the copy was reported
	restored    atomic.Bool // by run
}

// narrowing is set while a keeper has not restored GOMAXPROCS: another would take
// 1 for what it was.
var narrowing atomic.Bool

// stopOthers is a variable for a test.
var stopOthers = func() { runtime.GOMAXPROCS(1) }

// run makes the copy in a time in which GOMAXPROCS is 1.
//
// That time must not become longer than the clone takes. But the scheduler may
// preempt this goroutine in it, at any call that could grow the stack, those at
// the end of runtime.GOMAXPROCS included, and let all others that can run go
// first. Where the world takes 10 ms to stop, it does. Hence the watchdog: it is a
// timer, which any pass through the scheduler serves, and does what is left to do.
func (k *keeper) run() {
	defer close(k.left)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	k.watchdog = time.AfterFunc(time.Hour, func() { mark.Session(k.watch) })
	k.before.Store(int64(runtime.GOMAXPROCS(0)))
	k.watchdog.Reset(watchInterval)

	stopOthers()
	k.copy()
	k.restore()
	k.finish()
	k.restored.Store(true)
	k.watchdog.Stop()
	k.adapt()
	narrowing.Store(false)
	close(k.restoring)
	<-k.leave
}

// copy makes the copy unless it was made, or nobody waits for it any more.
//
//go:nosplit
//go:norace
func (k *keeper) copy() bool {
	if !k.stage.CompareAndSwap(stopping, copying) {
		return false
	}
	k.stopped = monotonic()
	k.err = k.c.clone()
	k.stage.Store(copied)
	return true
}

// watchInterval is how often the watchdog looks.
const watchInterval = 2 * time.Millisecond

// watch does what run would, if that was preempted.
func (k *keeper) watch() {
	if k.restored.Load() || k.finished.Load() {
		return
	}
	k.watchdog.Reset(watchInterval) // this goroutine can be preempted, too
	n := runtime.GOMAXPROCS(0)
	switch stage := k.stage.Load(); {
	case n != 1 && stage != copied:
		k.before.Store(int64(n)) // the program may have changed it
		return
	case stage == stopping && k.before.Load() != 1:
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if k.copy() {
			defer func() { <-k.leave }()
		}
	}
	if k.stage.Load() != stopping {
		k.restore()
		k.finish()
	}
}

// restore sets GOMAXPROCS to what it was, unless the program has changed it.
func (k *keeper) restore() {
	if !k.finished.Load() && runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(int(k.before.Load()))
	}
}

// finish reports the copy once.
func (k *keeper) finish() {
	if k.stage.Load() == copied && k.finished.CompareAndSwap(false, true) {
		k.c.stood = monotonic() - k.stopped
		k.cloned <- k.err
	}
}

// adapt lets the runtime change GOMAXPROCS again when the limits of the process
// change, as it does since Go 1.25 unless the program or the environment has set
// it. If the default is another value than it was before, it was set.
func (k *keeper) adapt() {
	before := int(k.before.Load())
	if n, err := strconv.Atoi(os.Getenv("GOMAXPROCS")); err == nil && n == before {
		return
	}
	if runtime.GOMAXPROCS(0) != before {
		return // the program has set it by now
	}
	runtime.SetDefaultGOMAXPROCS()
	if runtime.GOMAXPROCS(0) != before {
		runtime.GOMAXPROCS(before)
	}
}
