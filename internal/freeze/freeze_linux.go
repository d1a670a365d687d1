//go:build amd64 || arm64

package freeze

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy/internal/corefile"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/internal/threads"
	"golang.org/x/sys/unix"
)

const (
	readyTimeout = 5 * time.Second // for the copy to close its descriptors
	reapTimeout  = 2 * time.Second // for a copy that is held by a debugger
)

var (
	taken    atomic.Bool // there is a copy, or one is being made
	reaping  sync.Mutex
	unreaped int // PID of a copy that was killed but is held by a debugger
)

// A Copy is a copy of this process. Its methods are not safe for concurrent use.
type Copy struct {
	Taken
	stood  time.Duration
	s      *shared
	pause  func()
	keeper *keeper
	status unix.WaitStatus
	reaped bool
	ended  bool // End was called
}

// Take makes a copy of this process. It returns an error that says why there can
// be none, [ErrTaken] if there is one. The caller calls [Copy.End]. Take is safe
// for concurrent use.
//
// It waits at most a second for the goroutines to stop. Its goroutine should be
// locked to its thread if it can: the kernel ends the copy with the thread that
// made it.
func Take(r Request) (_ *Copy, err error) {
	if !taken.CompareAndSwap(false, true) {
		return nil, ErrTaken
	}
	c := &Copy{pause: r.Pause}
	defer func() {
		if err != nil {
			c.End()
		}
	}()
	if pid := reapLeft(); pid > 0 {
		return nil, fmt.Errorf("a debugger still holds the copy that was made before (PID %d); end it first", pid)
	}
	if err = Check(); err != nil {
		return nil, err
	}
	c.Until = time.Now().Add(r.For)
	if c.s, err = share(r); err != nil {
		return nil, cannot(err)
	}
	if err = c.make(threads.CanStart(3)); err != nil {
		return nil, err
	}
	c.When, c.Goroutines, c.Stood = time.Now(), runtime.NumGoroutine(), c.stood
	for start := time.Now(); !c.s.isReady(); c.pause() {
		if ended, why := c.Ended(); ended {
			if why == nil {
				why = errors.New("its time was over")
			}
			return nil, fmt.Errorf("the copy ended before it was ready: %w; does a seccomp filter forbid prctl, openat or clock_nanosleep", why)
		}
		if time.Since(start) > readyTimeout {
			return nil, errors.New("the copy did not close its descriptors in time; does one of them belong to a file system that hangs")
		}
	}
	return c, nil
}

// make clones this process, with the goroutines stopped if that can be.
func (c *Copy) make(lock bool) error {
	if runtime.GOMAXPROCS(0) == 1 {
		return c.clone()
	}
	if !lock {
		c.Inexact = "there is no room for other threads, which the goroutines that stop the others need"
		return c.clone()
	}
	if !narrowing.CompareAndSwap(false, true) {
		c.Inexact = "the goroutines are still to be stopped for an earlier copy, probably because garbage is being collected"
		return c.clone()
	}
	c.keeper = &keeper{c: c, leave: make(chan struct{}), left: make(chan struct{}), restoring: make(chan struct{}), cloned: make(chan error, 1)}
	go mark.Session(c.keeper.run)
	for start := time.Now(); ; c.pause() {
		select {
		case err := <-c.keeper.cloned:
			return err
		default:
		}
		if time.Since(start) > stopTimeout && c.keeper.stage.CompareAndSwap(stopping, abandoned) {
			c.Inexact = "the goroutines did not stop within a second, probably because garbage is being collected"
			return c.clone()
		}
	}
}

// clone makes the copy. The goroutine must not be preempted between the stop of
// the others and the system call, so nothing here grows the stack.
//
//go:nosplit
//go:norace
func (c *Copy) clone() error {
	start := monotonic()
	c.PID = clone(c.s)
	c.stood = monotonic() - start
	if c.PID < 0 {
		return failedClone(c)
	}
	return nil
}

//go:noinline
func failedClone(c *Copy) error {
	err := cannot(unix.Errno(-c.PID))
	c.PID = 0
	return err
}

// cannot returns the error for a system call that failed.
func cannot(err error) error {
	hint := ""
	switch {
	case errors.Is(err, unix.ENOMEM):
		hint = "; the system does not promise as much memory as a copy may need (see vm.overcommit_memory in proc_sys_vm(5)): free some, or raise the limit"
	case errors.Is(err, unix.EAGAIN):
		hint = "; a limit of processes is reached: RLIMIT_NPROC of the user or pids.max of the cgroup"
	case errors.Is(err, unix.EPERM):
		hint = "; a seccomp filter forbids it"
	}
	return fmt.Errorf("the kernel gives no copy of this process: %w%s", err, hint)
}

// Ended reports whether the copy is gone, and if that was before its time, why.
func (c *Copy) Ended() (ended bool, why error) {
	if !c.reaped {
		c.reaped = reap(c.PID, &c.status)
	}
	if c.reaped && c.status.Signaled() {
		why = fmt.Errorf("the copy was ended by %s", unix.SignalName(c.status.Signal()))
	}
	return c.reaped, why
}

// WriteCore writes a core file of the copy, as [corefile.Write] does.
func (c *Copy) WriteCore(ctx context.Context, w io.Writer, progress func(done, all int64)) error {
	p := corefile.Process{PID: c.PID, Regs: c.s.regs[:registers]}
	for _, pointer := range c.s.regs[registers:] {
		p.TLS = pointer
	}
	return corefile.Write(ctx, w, p, progress)
}

// End ends the copy, and returns once nothing of it is left. If a debugger holds
// it, its PID remains in use until the debugger ends.
func (c *Copy) End() {
	if c.ended {
		return
	}
	c.ended = true
	defer taken.Store(false)
	if ended, _ := c.Ended(); c.PID > 0 && !ended {
		unix.Kill(c.PID, unix.SIGKILL)
		for start := time.Now(); ; c.pause() {
			if ended, _ := c.Ended(); ended {
				break
			}
			if time.Since(start) > reapTimeout {
				leave(c.PID)
				break
			}
		}
	}
	if c.keeper != nil {
		close(c.keeper.leave)
		// One that waits for the end of a collection cannot be waited for.
		for start := time.Now(); time.Since(start) < reapTimeout; c.pause() {
			select {
			case <-c.keeper.left:
				start = time.Time{}
			default:
			}
		}
	}
	if c.s != nil {
		c.s.release()
	}
}

// leave leaves a copy that was killed to be waited for when the debugger that
// holds it has ended.
func leave(pid int) {
	reaping.Lock()
	unreaped = pid
	reaping.Unlock()
	wait := reapTimeout
	var look func()
	look = func() {
		if reapLeft() == pid {
			wait = min(2*wait, time.Minute)
			time.AfterFunc(wait, look)
		}
	}
	time.AfterFunc(wait, look)
}

// reapLeft waits for the copy that was left, and returns its PID if it is still
// there, or 0.
func reapLeft() int {
	reaping.Lock()
	defer reaping.Unlock()
	if unreaped > 0 && reap(unreaped, new(unix.WaitStatus)) {
		unreaped = 0
	}
	return unreaped
}

// reap waits for a child that ended, and reports whether it is gone. The program
// may have waited for it, with __WALL.
func reap(pid int, status *unix.WaitStatus) bool {
	for {
		got, err := unix.Wait4(pid, status, unix.WNOHANG|unix.WALL, nil)
		if err == unix.EINTR {
			continue
		}
		return got == pid || err != nil
	}
}
