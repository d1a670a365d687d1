//go:build linux || darwin || freebsd

package lazy

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// How a session waits is decided by what a saturated scheduler does to whoever
// waits (runtime/proc.go):
//
//   - Nobody is parked in the network poller. There sysmon is the one who
//     asks it, and it puts the goroutine that is ready at the end of the global
//     queue, where its turn comes after seconds, also if it had a deadline of 10
//     milliseconds. A goroutine whose timer is due is the next to run.
//   - One goroutine of a session waits for a timer, the doorkeeper, and it wakes
//     the other. Of two that are due at once the second takes the first one's
//     place as next, and sends it to the end of a queue. So the timer is not due
//     before the other has run, which may take a while: one time in 61 the
//     scheduler prefers the global queue to who is next.
//   - Where the doorkeeper has lost its place all the same, to a timer of the
//     program or to the runtime's sweeper, the other one looks by itself.
//   - Both are locked to a thread, unless the kernel has none to give (see
//     threads_linux.go). A goroutine that is made ready otherwise inherits what
//     is left of the time slice of the one before, which is often nothing.

// pace is how long, in general, nobody looks.
const pace = 10 * time.Millisecond

// nap is how long to sleep when the last thing happened so long ago: a short
// time when an answer may be on its way, a longer one when a person thinks.
func nap(quiet time.Duration) time.Duration {
	switch {
	case quiet < 5*time.Millisecond:
		return time.Millisecond
	case quiet < 5*time.Second:
		return pace
	default:
		return 2 * pace
	}
}

// stall is how long a peer may take nothing of what is written to it. A
// variable only for tests, whose peers read nothing for as long as a slow
// machine takes for something else.
var stall = 10 * time.Second

// A pacedConn is the connection to a peer. Its methods may be called
// concurrently; when two wait they are woken in turn, and Close ends that.
type pacedConn struct {
	mu       sync.RWMutex  // held to read fd while a system call, none of which waits, uses it
	fd       int           // -1 once closed
	look     chan struct{} // the doorkeeper's signal to whoever waits
	pausing  atomic.Int32  // how many wait for it
	alarm    *time.Timer   // what the doorkeeper itself waits for
	closed   chan struct{}
	deadline atomic.Int64 // of Read, as sinceStart; 0 is none
	active   atomic.Int64 // the last time that anything was read or written, likewise

	onPending atomic.Pointer[func()] // what reportPending calls
}

func newPacedConn(fd int) *pacedConn {
	c := &pacedConn{fd: fd, look: make(chan struct{}), alarm: time.NewTimer(lost), closed: make(chan struct{})}
	c.touch()
	return c
}

// sinceStart is t on the monotonic clock, which nobody sets.
func sinceStart(t time.Time) int64 { return int64(t.Sub(processStart)) }

func (c *pacedConn) touch() { c.active.Store(sinceStart(time.Now())) }

func (c *pacedConn) quiet() time.Duration {
	return time.Duration(sinceStart(time.Now()) - c.active.Load())
}

// lost is how long one of the two waits for the other before it looks by itself:
// the session for a doorkeeper who is late, and the doorkeeper for a session
// that is, or that is at work.
const lost = 10 * pace

// Pause returns when it is time to look again.
func (c *pacedConn) Pause() {
	select {
	case <-c.closed:
		time.Sleep(pace) // whoever waits for something else asks again and again
		return
	default:
	}
	c.pausing.Add(1)
	defer c.pausing.Add(-1)
	c.alarm.Reset(nap(c.quiet()))
	select {
	case <-c.look:
	case <-c.closed:
	case <-time.After(lost):
	}
}

// wake ends a Pause, and gives who is woken the time to run. It is the
// doorkeeper's, and does not block.
func (c *pacedConn) wake() {
	another := c.pausing.Load() > 1
	c.alarm.Reset(lost)
	select {
	case c.look <- struct{}{}:
		if !another {
			return
		}
	default:
	}
	c.alarm.Reset(nap(c.quiet()))
}

func (c *pacedConn) use(call func(fd int) error) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.fd < 0 {
		return os.ErrClosed
	}
	return call(c.fd)
}

func again(err error) bool {
	return err == unix.EAGAIN || err == unix.EINTR || err == unix.ENOBUFS
}

// SetReadDeadline implements console.Conn. It ends a Read in progress when
// that looks next.
func (c *pacedConn) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		c.deadline.Store(0)
	} else {
		c.deadline.Store(sinceStart(t))
	}
	return nil
}

func (c *pacedConn) expired() bool {
	d := c.deadline.Load()
	return d != 0 && sinceStart(time.Now()) >= d
}

func (c *pacedConn) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	for !c.expired() {
		err = c.use(func(fd int) (err error) {
			n, err = recv(fd, p, 0)
			return err
		})
		switch {
		case again(err):
			c.Pause()
		case err != nil:
			return 0, fmt.Errorf("reading from the peer: %w", err)
		case n == 0:
			return 0, io.EOF
		default:
			c.touch()
			return n, nil
		}
	}
	return 0, os.ErrDeadlineExceeded
}

// Peek waits for at most d for the first byte that the peer sends, and leaves
// it to be read. eof says that there is none to come.
func (c *pacedConn) Peek(d time.Duration) (first byte, said, eof bool) {
	for end := time.Now().Add(d); ; c.Pause() {
		err := c.use(func(fd int) error {
			var b [1]byte
			n, err := recv(fd, b[:], unix.MSG_PEEK)
			first, said, eof = b[0], err == nil && n == 1, err == nil && n == 0
			return err
		})
		switch {
		case err == nil:
			return first, said, eof
		case !again(err):
			return 0, false, true
		case time.Now().After(end):
			return 0, false, false
		}
	}
}

// Write writes all of p. It fails when the peer takes nothing for as long as
// stall. A peer that has gone costs the program no SIGPIPE, which it may have
// asked to be notified of.
func (c *pacedConn) Write(p []byte) (written int, err error) {
	last := time.Now()
	for written < len(p) {
		var n int
		err := c.use(func(fd int) (err error) {
			n, err = send(fd, p[written:])
			return err
		})
		switch {
		case err == nil:
			written += n
			last = time.Now()
			c.touch()
		case !again(err):
			return written, fmt.Errorf("writing to the peer: %w", err)
		case time.Since(last) > stall:
			return written, fmt.Errorf("the peer read nothing for %v", stall)
		default:
			c.Pause()
		}
	}
	return written, nil
}

// sayLast writes one line, without waiting for a peer that does not read, and
// closes the connection.
func (c *pacedConn) sayLast(line string) {
	c.use(func(fd int) error {
		_, err := send(fd, []byte(line))
		return err
	})
	c.Close()
}

// said reports whether the peer has sent something that is still to be read.
func (c *pacedConn) said() (yes bool) {
	c.use(func(fd int) error {
		n, err := recv(fd, make([]byte, 1), unix.MSG_PEEK)
		yes = n > 0
		return err
	})
	return yes
}

// OnPending has the doorkeeper call f, which must not block, each time it looks
// after the connection, until OnPending(nil).
func (c *pacedConn) OnPending(f func()) {
	if f == nil {
		c.onPending.Store(nil)
	} else {
		c.onPending.Store(&f)
	}
}

// TryRead reads what there is, without waiting. With nothing to read it returns
// os.ErrDeadlineExceeded.
func (c *pacedConn) TryRead(p []byte) (n int, err error) {
	err = c.use(func(fd int) (err error) {
		n, err = recv(fd, p, 0)
		return err
	})
	switch {
	case again(err):
		return 0, os.ErrDeadlineExceeded
	case err != nil:
		return 0, fmt.Errorf("reading from the peer: %w", err)
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	c.touch()
	return n, nil
}

// reportPending is the doorkeeper's, and does not block.
func (c *pacedConn) reportPending() {
	if f := c.onPending.Load(); f != nil {
		(*f)()
	}
}

// vanished reports whether the peer has closed the connection.
func (c *pacedConn) vanished() (gone bool) {
	c.use(func(fd int) error {
		gone = vanished(fd)
		return nil
	})
	return gone
}

// Close closes the connection. What the peer sent and nobody read is taken
// first, up to a limit, since otherwise the peer reads ECONNRESET where it
// should read the end. The shutdown lets it read that even when a child process, forked
// without exec, has the descriptor too.
func (c *pacedConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 {
		return os.ErrClosed
	}
	close(c.closed)
	var scrap [4096]byte
	for range 256 {
		if n, err := recv(c.fd, scrap[:], 0); n <= 0 && err != unix.EINTR {
			break
		}
	}
	fd := c.fd
	c.fd = -1
	unix.Shutdown(fd, unix.SHUT_RDWR)
	return unix.Close(fd)
}
