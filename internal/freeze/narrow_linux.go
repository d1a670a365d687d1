//go:build amd64 || arm64

package freeze

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy/internal/mark"
)

// The stages of a keeper.
const (
	stopping  = iota // waits for the other goroutines to stop
	narrowed         // runs alone
	abandoned        // nobody waits any more; it restores GOMAXPROCS and ends
)

// A keeper stops the other goroutines, makes the copy, and keeps the thread by
// which it was made for as long as the copy is there.
type keeper struct {
	c           *Copy
	stage       atomic.Int32
	cloned      chan error
	leave, left chan struct{}
	restoring   chan struct{} // closed when GOMAXPROCS is what it was
	before      int           // GOMAXPROCS
	watchdog    *time.Timer
	once        sync.Once
	restored    atomic.Bool
}

// stopOthers is a variable for a test.
var stopOthers = func() { runtime.GOMAXPROCS(1) }

// run makes the copy in a time in which GOMAXPROCS is 1.
//
// That time must not become longer than the clone takes, and the scheduler may
// preempt this goroutine in it, at the next call that could grow the stack, and
// let all others that can run go first. Hence the watchdog: it is a timer, which
// any pass through the scheduler serves.
func (k *keeper) run() {
	defer close(k.left)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	k.before = runtime.GOMAXPROCS(0)
	k.watchdog = time.AfterFunc(time.Hour, func() { mark.Session(k.watch) })
	k.watchdog.Reset(watchInterval)

	stopOthers()
	stopped := monotonic()
	err := k.copy()
	k.restore()
	stood := monotonic() - stopped
	k.restored.Store(true)
	k.watchdog.Stop()
	if k.stage.Load() == narrowed {
		k.c.stood = stood
		k.cloned <- err
	}
	k.adapt()
	close(k.restoring)
	<-k.leave
}

// copy makes the copy unless nobody waits for it any more.
//
//go:nosplit
//go:norace
func (k *keeper) copy() error {
	if !k.stage.CompareAndSwap(stopping, narrowed) {
		return nil
	}
	return k.c.clone()
}

// watchInterval is how often the watchdog looks.
const watchInterval = 2 * time.Millisecond

func (k *keeper) watch() {
	switch {
	case k.restored.Load():
	case k.stage.Load() == stopping || runtime.GOMAXPROCS(0) != 1:
		k.watchdog.Reset(watchInterval)
	default:
		k.restore()
	}
}

// restore sets GOMAXPROCS to what it was, unless the program has changed it.
func (k *keeper) restore() {
	k.once.Do(func() {
		if runtime.GOMAXPROCS(0) == 1 {
			runtime.GOMAXPROCS(k.before)
		}
	})
}

// adapt lets the runtime change GOMAXPROCS again when the limits of the process
// change, as it does since Go 1.25 unless the program or the environment has set
// it. If the default is another value than it was before, it was set.
func (k *keeper) adapt() {
	if n, err := strconv.Atoi(os.Getenv("GOMAXPROCS")); err == nil && n == k.before {
		return
	}
	if runtime.GOMAXPROCS(0) != k.before {
		return // the program has set it by now
	}
	runtime.SetDefaultGOMAXPROCS()
	if runtime.GOMAXPROCS(0) != k.before {
		runtime.GOMAXPROCS(k.before)
	}
}
