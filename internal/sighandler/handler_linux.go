//go:build (amd64 || arm64) && !lazy_ossignal

package sighandler

import (
	"fmt"
	"math/bits"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/go-manhole/lazy/internal/ringtag"
	"github.com/go-manhole/lazy/internal/sigmask"
	"github.com/go-manhole/lazy/internal/signame"
	"github.com/go-manhole/lazy/internal/sockfile"
	"github.com/go-manhole/lazy/internal/sockpath"
	"golang.org/x/sys/unix"
)

// A State is what the handler has done. The handler itself goes from Armed to
// ringing, and on to Open or Failed (handler_linux_*.s); Go code does the rest.
type State uint32

const (
	off     State = iota // not installed
	Armed                // waits for the signal
	ringing              // the handler is at work
	Open                 // the socket is bound and listens
	Failed               // bind or listen failed
)

// backlog is for the assembly.
//
//lint:ignore U1000 The assembly uses it.
const backlog = sockfile.Backlog

// tag is for the assembly: a signal with this value is a ring and nothing else.
//
//lint:ignore U1000 The assembly uses it.
const tag = ringtag.Value

// copyTag is for the assembly as well: a signal with this value asks for a copy.
//
//lint:ignore U1000 The assembly uses it.
const copyTag = ringtag.Copy

const signals = 65 // 0 is none

// memory is all that the handler touches. It is static, because the handler has
// no other way to it, and holds nothing that the garbage collector looks at.
type memory struct {
	next        uintptr        // the handler that was installed before
	copier      uintptr        // makes a copy of the process (freeze.Offer), or 0
	text, etext uintptr        // see ChooseThread
	dev, ino    uint64         // of fd
	forwardTo   [signals]int32 // for each signal the thread that calls next, see ChooseThread
	state       uint32
	errno       uint32
	passed      uint32 // 1 while a signal is on its way to another thread
	pid         int32
	sig         int32 // that rings
	fd          int32
	addrLen     uint32
	addr        struct {
		family uint16
		path   [108]byte
	}
	//lint:ignore U1000 The assembly uses it.
	stat [144]byte // scratch space for fstat, used between Armed and what follows
}

var mem memory

// text and etext are where the Go code of this module begins and ends.
var text, etext uintptr

// handlerPC is the address of the handler, which a Go function value does not
// give: that points to a wrapper.
var handlerPC uintptr

// handler stands for the assembly. The kernel calls it, with the C calling
// convention.
//
//lint:ignore U1000 The assembly takes its address.
func handler()

// A Handler is the handler as installed for one signal. There is at most one
// in a process.
type Handler struct {
	sig syscall.Signal
	old sigaction
}

// Install puts the handler in front of the Go runtime's, armed with a socket
// that it is to bind to path. It fails, and changes nothing, unless the runtime
// handles the signal and some thread lets it through. copier is what freeze.Offer
// returned, or 0 for a process of which the signal makes no copies.
func Install(sig syscall.Signal, path string, sock int, copier uintptr) (*Handler, error) {
	old, err := runtimeAction(sig)
	if err != nil {
		return nil, err
	}
	if err := checkUnblocked(sig); err != nil {
		return nil, err
	}
	if old.handler != handlerPC { // else it is still there, see Restore
		mem.next = old.handler
	}
	mem.copier = copier
	mem.text, mem.etext = text, etext
	mem.pid = int32(unix.Getpid())
	mem.sig, mem.passed = int32(sig), 0
	mem.addr.family = unix.AF_UNIX
	clear(mem.addr.path[copy(mem.addr.path[:], path):])
	mem.addrLen = uint32(unsafe.Sizeof(mem.addr.family)) + uint32(len(path))
	if sockpath.IsAbstract(path) {
		mem.addr.path[0] = 0
	} else {
		mem.addrLen++ // the NUL at the end
	}
	h := &Handler{sig, old}
	ours |= 1 << (sig - 1)
	chooseThreads(true)
	h.SetSocket(sock)
	atomic.StoreUint32(&mem.state, uint32(Armed))

	action := old // flags, mask and restorer are the runtime's
	action.handler = handlerPC
	if err := rtSigaction(sig, &action, nil); err != nil {
		ours &^= 1 << (sig - 1)
		atomic.StoreUint32(&mem.state, uint32(off))
		return nil, err
	}
	return h, nil
}

// The values of memory.forwardTo that are no thread.
const (
	anyThread = 0
	inGo      = -1
)

// ours has a bit for each signal that the handler was installed for. In a program
// with cgo it stays, see Restore.
var ours uint64

// ChooseThread decides which thread calls the runtime's handler, for programs
// with cgo: on a thread that C code started that handler ends the process, unless
// the program is notified of the signal. It is called again from time to time,
// since masks change and threads end, and costs little where there is no cgo.
func (h *Handler) ChooseThread() { chooseThreads(false) }

// chooseThreads looks for better threads than those that do if anew is set.
func chooseThreads(anew bool) {
	if !mayHaveCThreads(mem.next) {
		return
	}
	for left := ours; left != 0; left &= left - 1 {
		sig := bits.TrailingZeros64(left) + 1
		if now := atomic.LoadInt32(&mem.forwardTo[sig]); anew || now <= 0 || !letsThrough(now, sig) {
			atomic.StoreInt32(&mem.forwardTo[sig], thread(sig))
		}
	}
}

// thread returns a thread of the runtime that lets the signal through: the one that
// os/signal keeps, which stays; another of the runtime's; or the main thread, whose
// mask is a matter of C code. If they all block it, the program is not notified,
// and whatever thread runs Go code can ignore the signal.
func thread(sig int) int32 {
	if tid, _ := sigmask.Receiver(0, sig); tid != 0 {
		return int32(tid)
	}
	other := make(chan int32)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		other <- int32(unix.Gettid())
	}()
	for _, tid := range []int32{<-other, mem.pid} {
		if letsThrough(tid, sig) {
			return tid
		}
	}
	return inGo
}

func letsThrough(tid int32, sig int) bool {
	mask, ok := sigmask.OfThread(int(tid))
	return ok && mask&(1<<(sig-1)) == 0
}

// State returns what the handler has done since it was armed, and for Failed
// why.
func (h *Handler) State() (State, error) {
	s := State(atomic.LoadUint32(&mem.state))
	if s == Failed {
		return s, syscall.Errno(mem.errno)
	}
	return s, nil
}

// SetSocket gives the handler the socket for the next ring. If the program
// closes it, a ring fails with EBADF, even when another file has its number.
func (h *Handler) SetSocket(fd int) {
	atomic.StoreInt32(&mem.fd, -1)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil {
		mem.dev, mem.ino = st.Dev, st.Ino
		atomic.StoreInt32(&mem.fd, int32(fd))
	}
}

// ClearSocket takes the socket from the handler and arms it again. Until
// SetSocket a ring fails with EBADF, so none is lost.
func (h *Handler) ClearSocket() {
	atomic.StoreInt32(&mem.fd, -1)
	atomic.StoreUint32(&mem.state, uint32(Armed))
}

// Restore gives the signal back to the Go runtime, unless some other code has
// installed its handler since. That may still call this one. In a program with
// cgo this one stays, and after Disable does nothing but keep a signal on a
// thread of C code from ending the process, as it did while it was armed.
func (h *Handler) Restore() error {
	if mayHaveCThreads(mem.next) {
		chooseThreads(true) // nobody will, from now on
		return nil
	}
	ours &^= 1 << (h.sig - 1)
	var now sigaction
	err := rtSigaction(h.sig, nil, &now)
	if err == nil && now.handler == handlerPC {
		err = rtSigaction(h.sig, &h.old, nil)
	}
	return err
}

// Disable turns the handler off. When it returns the handler touches no socket
// any more.
func (h *Handler) Disable() {
	for !atomic.CompareAndSwapUint32(&mem.state, uint32(Armed), uint32(off)) {
		if s, _ := h.State(); s == Open || s == Failed {
			atomic.StoreUint32(&mem.state, uint32(off))
			return
		}
		time.Sleep(time.Millisecond) // the handler is at work on another thread
	}
}

// mayHaveCThreads reports whether the handler is that of a program with cgo,
// where C code may have started threads.
func mayHaveCThreads(handler uintptr) bool {
	f := runtime.FuncForPC(handler)
	return f == nil || f.Name() != "runtime.sigtramp"
}

// checkUnblocked returns an error if every thread blocks sig. A process inherits
// such a mask through exec, and the runtime keeps it, except that signal.Notify
// unblocks the signal on one thread.
func checkUnblocked(sig syscall.Signal) error {
	var mask uint64
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, 0, 0, uintptr(unsafe.Pointer(&mask)), unsafe.Sizeof(mask), 0, 0); errno != 0 {
		return fmt.Errorf("rt_sigprocmask: %w", errno)
	}
	bit := uint64(1) << (sig - 1)
	if mask&bit == 0 {
		return nil
	}
	if sigmask.Unblocked(0, int(sig)) {
		return nil
	}
	return fmt.Errorf("%s is blocked in every thread, by a mask that the process inherited; call signal.Notify for it first, or choose another with WithSignal", signame.Name(sig))
}
