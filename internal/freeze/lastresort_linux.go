//go:build amd64 || arm64

package freeze

import (
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy/internal/ringtag"
	"golang.org/x/sys/unix"
)

// A process whose scheduler is dead runs no session. The signal handler can make
// a copy nevertheless, on the thread that got the signal: it has that thread's
// registers, and other running goroutines are where they last waited.
//
// The copy shows where the registers are in two arguments of its system call that
// the kernel ignores, /proc/PID/syscall: ringtag.Copy, and the address of the
// ucontext_t of the handler.

// The stages of the last resort. Whoever has made it making, the handler or Go code,
// may touch the rest. The handler goes on to made.
const (
	withdrawn = iota
	offered
	making
	made
)

// lastResort is all that the handler touches. It has no pointers.
type lastResort struct {
	stage uint32
	pid   int32 // of the copy, or an error number less than 0
	s     shared
}

var last lastResort

// lastResortTime is how long such a copy exists.
const lastResortTime = 10 * time.Minute

// copyTag is for the assembly.
//
//lint:ignore U1000 The assembly uses it.
const copyTag = ringtag.Copy

// fromHandlerPC is the address of fromHandler.
var fromHandlerPC uintptr

// fromHandler stands for the assembly that the signal handler calls.
//
//lint:ignore U1000 The assembly takes its address.
func fromHandler()

// Offer lets a signal handler make copies, one at a time, by a call of the
// returned address; package sighandler knows how. Offer and the functions that go
// with it are not safe for concurrent use.
func Offer() (pc uintptr) {
	last.s.fill(Request{})
	if last.s.highest >= 0 { // there will be others when the handler is asked
		last.s.highest = descriptorLimit()
	}
	last.s.seconds = int64(lastResortTime / time.Second)
	atomic.StoreUint32(&last.stage, offered)
	return fromHandlerPC
}

// Collect waits for a copy that has ended, so that there can be another. It
// returns the PID of the copy that was made, or 0; an error number less than 0 if
// it could not be made; and whether it is gone.
func Collect() (pid int, gone bool) {
	if atomic.LoadUint32(&last.stage) != made || !atomic.CompareAndSwapUint32(&last.stage, made, making) {
		return 0, true
	}
	pid = int(last.pid)
	if pid > 0 && !reap(pid, new(unix.WaitStatus)) {
		atomic.StoreUint32(&last.stage, made)
		return pid, false
	}
	atomic.StoreUint32(&last.stage, offered)
	return pid, true
}

// Withdraw ends what Offer began, and the copy if there is one.
func Withdraw() {
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		if pid, gone := Collect(); !gone {
			unix.Kill(pid, unix.SIGKILL)
			if time.Since(start) > reapTimeout { // a debugger holds it
				if atomic.CompareAndSwapUint32(&last.stage, made, withdrawn) { // not while the handler makes another
					leave(pid)
					return
				}
			}
		} else if s := atomic.LoadUint32(&last.stage); s == withdrawn || atomic.CompareAndSwapUint32(&last.stage, offered, withdrawn) {
			return
		}
	}
}
