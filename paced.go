//go:build linux || darwin || freebsd

package lazy

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A goroutine that waits for the network poller alone waits for seconds when
// the scheduler is saturated, because nobody polls; a goroutine whose timer is
// due runs within one preemption slice, because each pass through the
// scheduler runs the timers first. So whoever waits here does so with a
// deadline of one pace, and tries again. Idle, the poller wakes it at once.
const pace = 10 * time.Millisecond

// stall is how long a peer may take nothing of what is written to it.
const stall = 10 * time.Second

var errStalled = fmt.Errorf("the peer read nothing for %v", stall)

// A pacedConn is the connection to a peer. Reads and writes may run
// concurrently with each other and with Close, which ends both.
type pacedConn struct {
	f        *os.File
	raw      syscall.RawConn
	deadline atomic.Int64 // of Read, in Unix nanoseconds; 0 is none
}

func newPacedConn(fd int) (*pacedConn, error) {
	f := os.NewFile(uintptr(fd), "manhole")
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &pacedConn{f: f, raw: raw}, nil
}

// SetReadDeadline implements console.Conn. It ends a Read in progress within
// one pace.
func (c *pacedConn) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		c.deadline.Store(0)
	} else {
		c.deadline.Store(t.UnixNano())
	}
	return nil
}

func (c *pacedConn) expired() bool {
	d := c.deadline.Load()
	return d != 0 && time.Now().UnixNano() >= d
}

func (c *pacedConn) Read(p []byte) (int, error) {
	for !c.expired() {
		if err := c.f.SetReadDeadline(time.Now().Add(pace)); err != nil {
			return 0, err
		}
		n, err := c.f.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
	return 0, os.ErrDeadlineExceeded
}

// Peek waits for at most d for the first byte that the peer sends, and leaves
// it to be read. eof says that there is none to come.
func (c *pacedConn) Peek(d time.Duration) (first byte, said, eof bool) {
	for end := time.Now().Add(d); !said && !eof && time.Now().Before(end); {
		if c.f.SetReadDeadline(time.Now().Add(pace)) != nil {
			return 0, false, true
		}
		c.raw.Read(func(fd uintptr) bool {
			var b [1]byte
			n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK)
			if err == unix.EAGAIN || err == unix.EINTR {
				return false
			}
			first, said, eof = b[0], n == 1, n != 1
			return true
		})
	}
	return first, said, eof
}

// Write writes all of p. It fails when the peer takes nothing for as long as
// stall. A peer that has gone costs the program no SIGPIPE, which it may have
// asked to be notified of.
func (c *pacedConn) Write(p []byte) (int, error) {
	written := 0
	for last := time.Now(); written < len(p); {
		if time.Since(last) > stall {
			return written, errStalled
		}
		if err := c.f.SetWriteDeadline(time.Now().Add(pace)); err != nil {
			return written, err
		}
		var n int
		var sendErr error
		err := c.raw.Write(func(fd uintptr) bool {
			n, sendErr = unix.SendmsgN(int(fd), p[written:], nil, nil, unix.MSG_NOSIGNAL)
			return sendErr != unix.EAGAIN
		})
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded), sendErr == unix.EINTR:
		case err != nil:
			return written, err
		case sendErr != nil:
			return written, fmt.Errorf("send: %w", sendErr)
		default:
			written += n
			last = time.Now()
		}
	}
	return written, nil
}

// sayLast writes one line, without waiting for a peer that does not read, and
// closes the connection.
func (c *pacedConn) sayLast(line string) {
	c.raw.Control(func(fd uintptr) {
		unix.SendmsgN(int(fd), []byte(line), nil, nil, unix.MSG_NOSIGNAL)
	})
	c.Close()
}

// said reports whether the peer has sent something that is still to be read.
func (c *pacedConn) said() (yes bool) {
	c.raw.Control(func(fd uintptr) {
		n, _, _ := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK)
		yes = n > 0
	})
	return yes
}

// vanished reports whether the peer has closed the connection.
func (c *pacedConn) vanished() (gone bool) {
	c.raw.Control(func(fd uintptr) { gone = vanished(int(fd)) })
	return gone
}

// Close closes the connection. What the peer sent and nobody read is taken
// first, up to a limit, since otherwise the peer reads ECONNRESET where it
// should read the end.
func (c *pacedConn) Close() error {
	c.raw.Control(func(fd uintptr) {
		var scrap [4096]byte
		for range 256 {
			if n, err := unix.Read(int(fd), scrap[:]); n <= 0 && err != unix.EINTR {
				break
			}
		}
	})
	return c.f.Close()
}

// A door is the listening socket.
type door struct {
	f   *os.File
	raw syscall.RawConn
}

func newDoor(fd int) (*door, error) {
	f := os.NewFile(uintptr(fd), "manhole door")
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &door{f: f, raw: raw}, nil
}

// accept waits for at most d for a peer. Nobody is os.ErrDeadlineExceeded.
func (d *door) accept(wait time.Duration) (conn int, err error) {
	if err := d.f.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return -1, err
	}
	rawErr := d.raw.Read(func(fd uintptr) bool {
		conn, err = accept(int(fd))
		return err != unix.EAGAIN
	})
	if rawErr != nil {
		return -1, rawErr
	}
	return conn, err
}

// wake ends an accept that waits.
func (d *door) wake() { d.f.SetReadDeadline(time.Unix(1, 0)) }

func (d *door) close() { d.f.Close() }
