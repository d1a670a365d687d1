//go:build linux && (amd64 || arm64) && !lazy_ossignal

package lazy

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The states of the doorbell's word. Armed to ringing, and on to open or
// failed, is the signal handler's way (signal_linux_*.s); the rest is done by
// Go code.
const (
	bellSilent = iota // not armed
	bellArmed
	bellRinging
	bellOpen
	bellFailed
)

// bellMemory is all that the signal handler touches. It is static because the
// handler has no other way to it, and holds nothing that the garbage collector
// looks at.
type bellMemory struct {
	next    uintptr // the handler that was there before
	forward uint32  // whether only the main thread may call it
	state   uint32
	errno   uint32
	passed  uint32 // whether the handler has passed one on to the main thread
	pid     int32
	fd      int32
	addrLen uint32
	addr    struct {
		family uint16
		path   [108]byte
	}
}

var bell bellMemory

// bellHandlerPC is the address of the signal handler, which a Go function
// value does not give: that points to a wrapper.
var bellHandlerPC uintptr

// bellHandler stands for the assembly in front of go vet and of readers. The
// kernel calls it, with the C calling convention.
//
//lint:ignore U1000 The assembly takes its address.
func bellHandler()

// A doorbell turns the signal into a session without a goroutine that waits:
// the handler opens the socket, and a timer notices.
type doorbell struct {
	m     *manhole
	old   sigaction
	turn  sync.Mutex // held while a tick looks or answers a ring
	timer *time.Timer
	tempo tempo
}

// install puts the handler in front of the runtime's.
func (b *doorbell) install(m *manhole) (err error) {
	b.m = m
	if b.old, err = runtimeOwned(m.sig); err != nil {
		return err
	}
	if err := deliverable(m.sig); err != nil {
		return err
	}
	bell.next = b.old.handler
	bell.forward, bell.passed = 0, 0
	if cgoHandler(bell.next) {
		bell.forward = 1
	}
	bell.pid = int32(unix.Getpid())
	bell.addr.family = unix.AF_UNIX
	clear(bell.addr.path[copy(bell.addr.path[:], m.path):])
	bell.addrLen = uint32(unsafe.Sizeof(bell.addr.family)) + uint32(len(m.path))
	if abstract(m.path) {
		bell.addr.path[0] = 0
	} else {
		bell.addrLen++ // the NUL at the end
	}
	bell.fd = int32(m.sock)
	atomic.StoreUint32(&bell.state, bellArmed)

	mine := b.old // flags, mask and restorer are the runtime's
	mine.handler = bellHandlerPC
	if err := setSigaction(m.sig, &mine); err != nil {
		atomic.StoreUint32(&bell.state, bellSilent)
		return err
	}
	b.turn.Lock()
	defer b.turn.Unlock()
	b.timer = time.AfterFunc(b.tempo.restart(), b.tick)
	return nil
}

// unload is called when a session is over, before its file goes, so that from
// the moment when the file is gone no ring is lost: one that comes before load
// fails with EBADF, and is answered then.
func (b *doorbell) unload() {
	atomic.StoreInt32(&bell.fd, -1)
	atomic.StoreUint32(&bell.state, bellArmed)
}

// load gives the handler the socket for the next ring.
func (b *doorbell) load(sock int) {
	atomic.StoreInt32(&bell.fd, int32(sock))
}

// tick runs in a timer's goroutine, for some microseconds unless the bell has
// rung.
func (b *doorbell) tick() {
	b.turn.Lock()
	defer b.turn.Unlock()
	if b.m.ctx.Err() != nil {
		return
	}
	next := pace
	defer func() {
		if b.m.ctx.Err() == nil {
			b.timer.Reset(next)
		}
	}()
	switch atomic.LoadUint32(&bell.state) {
	case bellArmed:
		next = b.tempo.next()
		if b.m.sock < 0 || b.m.spare < 0 {
			// There was no descriptor when the last session ended.
			b.m.stock()
			b.load(b.m.sock)
		}
	case bellOpen:
		b.m.ring(nil)
		next = b.tempo.restart()
	case bellFailed:
		b.m.ring(syscall.Errno(bell.errno))
		next = b.tempo.restart()
	}
}

// uninstall gives the signal back and returns when neither handler nor tick
// touches the manhole any more.
func (b *doorbell) uninstall() error {
	var err error
	var now sigaction
	// Whoever took the signal after us keeps it.
	if err = getSigaction(b.m.sig, &now); err == nil && now.handler == bellHandlerPC {
		err = setSigaction(b.m.sig, &b.old)
	}
	b.turn.Lock() // an open session has been told to end
	defer b.turn.Unlock()
	b.timer.Stop()
	for !atomic.CompareAndSwapUint32(&bell.state, bellArmed, bellSilent) {
		if s := atomic.LoadUint32(&bell.state); s == bellOpen || s == bellFailed {
			atomic.StoreUint32(&bell.state, bellSilent)
			break
		}
		time.Sleep(time.Millisecond) // the handler is at work on another thread
	}
	return err
}

func setSigaction(sig unix.Signal, sa *sigaction) error {
	return rtSigaction(sig, sa, nil)
}

// cgoHandler reports whether the handler is that of a program with cgo, where
// C code may have started threads.
func cgoHandler(pc uintptr) bool {
	f := runtime.FuncForPC(pc)
	return f == nil || f.Name() != "runtime.sigtramp"
}

// deliverable returns an error when every thread blocks sig. A process
// inherits such a mask through exec, and the runtime keeps it, except that
// signal.Notify unblocks the signal on one thread.
func deliverable(sig unix.Signal) error {
	var mask uint64
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, 0, 0, uintptr(unsafe.Pointer(&mask)), unsafe.Sizeof(mask), 0, 0); errno != 0 {
		return fmt.Errorf("rt_sigprocmask: %w", errno)
	}
	bit := uint64(1) << (sig - 1)
	if mask&bit == 0 {
		return nil
	}
	tasks, _ := filepath.Glob("/proc/self/task/*/status")
	for _, task := range tasks {
		status, _ := os.ReadFile(task)
		for line := range strings.Lines(string(status)) {
			blocked, ok := strings.CutPrefix(line, "SigBlk:")
			if !ok {
				continue
			}
			if m, err := strconv.ParseUint(strings.TrimSpace(blocked), 16, 64); err == nil && m&bit == 0 {
				return nil
			}
		}
	}
	return fmt.Errorf("%s is blocked in every thread, by a mask that the process inherited; call signal.Notify for it first, or choose another with WithSignal", signalName(sig))
}
