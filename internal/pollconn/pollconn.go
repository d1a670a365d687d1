//go:build linux || darwin || freebsd

package pollconn

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// PollInterval is how long, in general, a session waits before it looks again.
const PollInterval = 10 * time.Millisecond

// handoffTimeout is how long one of the two goroutines waits for the other before
// it looks by itself: the session for a late doorkeeper, and the doorkeeper for
// a session that is late or at work.
const handoffTimeout = 10 * PollInterval

// WriteTimeout is how long a peer may read nothing of what is written to it. It
// is a variable only for tests, whose peers read nothing for as long as a slow
// machine takes for something else; set it before there is a Conn.
var WriteTimeout = 10 * time.Second

// interval returns how long to wait when the last byte passed quiet ago: a short
// time when an answer may be on its way, a longer one when a person thinks.
func interval(quiet time.Duration) time.Duration {
	switch {
	case quiet < 5*time.Millisecond:
		return time.Millisecond
	case quiet < 5*time.Second:
		return PollInterval
	default:
		return 2 * PollInterval
	}
}

// A Conn is the connection to a peer. Its methods may be called concurrently,
// except for Read; when two wait they are woken in turn, and Close ends that.
// Alarm, Wake, CallPending, MayPark and Park are the doorkeeper's.
type Conn struct {
	mu       sync.RWMutex  // held to read fd while a system call, none of which waits, uses it
	fd       int           // -1 once closed
	file     file          // what fd was at first; the program may close it and get its number for another
	woken    chan struct{} // from the doorkeeper to a Pause
	pausing  atomic.Int32  // how many Pauses there are
	alarm    *time.Timer   // what the doorkeeper waits for
	closed   chan struct{}
	deadline atomic.Int64 // of Read, as sinceStart; 0 is none
	active   atomic.Int64 // when a byte was last read or written, as sinceStart
	pending  atomic.Pointer[func()]

	reading atomic.Bool // a Read waits
	parked  atomic.Bool // the doorkeeper is in Park
	parking parking     // the doorkeeper's
	early   bool        // the last wait of Read was over before Park was
	alone   bool        // Read has found something before the doorkeeper, which got no processor after Park
}

// A file is a device and an inode. No two files that are open have the same.
type file struct{ dev, ino uint64 }

// New returns a Conn for a connected socket in non-blocking mode, and owns that
// from now on.
func New(fd int) *Conn {
	c := &Conn{fd: fd, file: fileOf(fd), woken: make(chan struct{}), alarm: time.NewTimer(handoffTimeout), closed: make(chan struct{})}
	c.touch()
	return c
}

var start = time.Now()

// sinceStart is t on the monotonic clock.
func sinceStart(t time.Time) int64 { return int64(t.Sub(start)) }

func (c *Conn) touch() { c.active.Store(sinceStart(time.Now())) }

// Quiet returns how long ago a byte was last read or written.
func (c *Conn) Quiet() time.Duration {
	return time.Duration(sinceStart(time.Now()) - c.active.Load())
}

// Pause returns when it is time to look again.
func (c *Conn) Pause() { c.pause(handoffTimeout) }

// pause is Pause with the longest that it may take. It reports whether the
// doorkeeper ended it.
func (c *Conn) pause(most time.Duration) (woken bool) {
	select {
	case <-c.closed:
		time.Sleep(PollInterval) // what waits for something else asks again and again
		return false
	default:
	}
	c.pausing.Add(1)
	defer c.pausing.Add(-1)
	c.alarm.Reset(interval(c.Quiet()))
	select {
	case <-c.woken:
		return true
	case <-c.closed:
	case <-time.After(most):
	}
	return false
}

// Alarm starts the doorkeeper's timer and returns its channel. After each
// receive the doorkeeper does its work and calls Wake.
func (c *Conn) Alarm() <-chan time.Time {
	c.alarm.Reset(handoffTimeout)
	return c.alarm.C
}

// Wake ends a Pause, and gives the goroutine that it wakes the time to run. It
// does not block.
func (c *Conn) Wake() {
	another := c.pausing.Load() > 1
	c.alarm.Reset(handoffTimeout)
	select {
	case c.woken <- struct{}{}:
		if !another {
			return
		}
	default:
	}
	c.alarm.Reset(interval(c.Quiet()))
}

// use calls call with the descriptor, or returns os.ErrClosed, also when the
// program has closed it.
func (c *Conn) use(call func(fd int) error) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.fd < 0 || fileOf(c.fd) != c.file {
		return os.ErrClosed
	}
	return call(c.fd)
}

// temporary reports whether a system call may succeed later.
func temporary(err error) bool {
	return err == unix.EAGAIN || err == unix.EINTR || err == unix.ENOBUFS
}

// SetReadDeadline sets when Read fails with os.ErrDeadlineExceeded; the zero
// time is never. It applies to a Read in progress too.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		c.deadline.Store(0)
	} else {
		c.deadline.Store(sinceStart(t))
	}
	return nil
}

func (c *Conn) expired() bool {
	d := c.deadline.Load()
	return d != 0 && sinceStart(time.Now()) >= d
}

// Read implements io.Reader.
func (c *Conn) Read(p []byte) (n int, err error) {
	for !c.expired() {
		n, err = c.TryRead(p)
		if err != os.ErrDeadlineExceeded {
			c.alone = c.early && err == nil
			return n, err
		}
		c.readPause()
	}
	return 0, os.ErrDeadlineExceeded
}

// TryRead is Read without waiting, whatever the deadline: it returns
// os.ErrDeadlineExceeded if there is nothing to read.
func (c *Conn) TryRead(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	err = c.use(func(fd int) (err error) {
		n, err = recv(fd, p, 0)
		return err
	})
	switch {
	case temporary(err):
		return 0, os.ErrDeadlineExceeded
	case err != nil:
		return 0, fmt.Errorf("reading from the peer: %w", err)
	case n == 0:
		return 0, io.EOF
	}
	c.touch()
	return n, nil
}

// Peek waits at most d for the first byte that the peer sends, and leaves it to
// be read; said is whether there is one. eof is whether none will come.
func (c *Conn) Peek(d time.Duration) (first byte, said, eof bool) {
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
		case !temporary(err):
			return 0, false, true
		case time.Now().After(end):
			return 0, false, false
		}
	}
}

// HasInput reports whether the peer has sent something that is still to be read.
func (c *Conn) HasInput() bool {
	n, err := c.peek()
	return err == nil && n > 0
}

// peek returns 1 if there is a byte to read, and 0 at the end of input.
func (c *Conn) peek() (n int, err error) {
	err = c.use(func(fd int) (err error) {
		var b [1]byte
		n, err = recv(fd, b[:], unix.MSG_PEEK)
		return err
	})
	return n, err
}

// OnPending sets the function that the doorkeeper calls, again and again, while
// there is something to read, the end of input included; nil is none. f must not
// block, and can take what there is with TryRead. A call that has begun when f
// is replaced may go on after that.
func (c *Conn) OnPending(f func()) {
	if f == nil {
		c.pending.Store(nil)
	} else {
		c.pending.Store(&f)
	}
}

// CallPending calls the function of OnPending if there is something to read.
func (c *Conn) CallPending() {
	f := c.pending.Load()
	if f == nil {
		return
	}
	if _, err := c.peek(); !temporary(err) {
		(*f)()
	}
}

// Write writes all of p. It fails when the peer reads nothing for WriteTimeout.
// A peer that is gone causes no SIGPIPE, of which the program may have asked to
// be notified.
func (c *Conn) Write(p []byte) (written int, err error) {
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
		case !temporary(err):
			return written, fmt.Errorf("writing to the peer: %w", err)
		case time.Since(last) > WriteTimeout:
			return written, fmt.Errorf("the peer read nothing for %v", WriteTimeout)
		default:
			c.Pause()
		}
	}
	return written, nil
}

// CloseWith writes one line, without waiting for a peer that does not read, and
// closes the connection.
func (c *Conn) CloseWith(line string) {
	c.use(func(fd int) error {
		_, err := send(fd, []byte(line))
		return err
	})
	c.Close()
}

// Vanished reports whether the peer has closed the connection, which is more
// than having ended its input. Where the system does not tell the two apart,
// and after Close, it returns false.
func (c *Conn) Vanished() (gone bool) {
	c.use(func(fd int) error {
		gone = vanished(fd)
		return nil
	})
	return gone
}

// Close closes the connection. It first takes, up to a limit, what the peer sent
// and nothing has read, since otherwise the peer reads ECONNRESET in place of
// the end. The shutdown gives it that end even if a child process, forked
// without exec, has the descriptor too.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 {
		return os.ErrClosed
	}
	close(c.closed)
	if fileOf(c.fd) != c.file {
		c.fd = -1
		return os.ErrClosed
	}
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
