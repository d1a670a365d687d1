package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/mark"
)

// maxLine is the longest line that is read as one, in bytes without its end.
const maxLine = frame.MaxLine

// ctrlC is what a terminal in raw mode sends for Ctrl-C.
const ctrlC = 0x03

var (
	errLong    = fmt.Errorf("longer than %d bytes and thrown away; send one command a line", maxLine)
	errStopped = errors.New("stopped listening")
)

// input is what the peer has sent and nothing has used yet, in a buffer of
// fixed size.
//
// While no command runs, it belongs to the session's goroutine. While one runs
// (see attend), mu guards everything below it.
type input struct {
	ctx  context.Context
	conn Conn
	idle time.Duration
	keys bool // ctrlC is not part of a line, but interrupts

	mu       sync.Mutex
	buf      [maxLine + 64]byte // room for a line and its end, or for a frame
	from, to int                // what is unread in buf
	skipping bool               // in the rest of a line that was too long
	err      error              // of reading, final
	came     func()             // called when there is more; nil if no command runs
	listener *listener          // reads while a command runs, for a plain Conn
}

// pendingConn is a Conn that reports unread bytes while a command runs.
type pendingConn interface {
	OnPending(f func())
	TryRead(p []byte) (n int, err error)
}

// attend calls came with in.mu held, at once and then whenever the peer may
// have sent something, until stop is called. With a plain Conn that takes a
// goroutine, which only listen starts.
func (in *input) attend(came func()) (stop func()) {
	in.mu.Lock()
	in.came = came
	came()
	in.mu.Unlock()
	p, ok := in.conn.(pendingConn)
	if ok {
		p.OnPending(in.pending)
	}
	return func() {
		if ok {
			p.OnPending(nil)
		}
		if in.listener != nil {
			in.listener.stop(in.conn)
			in.listener = nil
		}
		in.mu.Lock()
		in.came = nil
		in.mu.Unlock()
	}
}

// pending is called by the connection, from another goroutine, when there is
// something to read. It does not block: if the lock is held, its holder reads.
func (in *input) pending() {
	if in.mu.TryLock() {
		defer in.mu.Unlock()
		in.take()
	}
}

// poll does the same for a command that looks for itself.
func (in *input) poll() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.take()
}

// take reads what there is, as far as there is room, without waiting.
func (in *input) take() {
	p, ok := in.conn.(pendingConn)
	for ok && in.came != nil && in.err == nil {
		in.compact()
		if in.to == len(in.buf) {
			return
		}
		n, err := p.TryRead(in.buf[in.to:])
		in.to += n
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			in.err = err
		}
		if n == 0 && in.err == nil {
			return
		}
		in.came()
	}
}

// A listener reads from a plain Conn while a command runs.
type listener struct{ stopping, ended chan struct{} }

func (l *listener) stop(conn Conn) {
	close(l.stopping)
	conn.SetReadDeadline(time.Unix(1, 0))
	<-l.ended
}

// listen starts the goroutine that a plain Conn needs while a command runs.
func (in *input) listen() {
	if _, ok := in.conn.(pendingConn); ok || in.listener != nil {
		return
	}
	l := &listener{make(chan struct{}), make(chan struct{})}
	in.listener = l
	go mark.Session(func() {
		defer close(l.ended)
		contain(func() error {
			for in.err == nil && in.to-in.from < len(in.buf) {
				if err := in.fill(0, l.stopping); err != nil {
					return err
				}
				in.mu.Lock()
				in.came()
				in.mu.Unlock()
			}
			return nil
		})
	})
}

// unread is what has been read and not used.
func (in *input) unread() []byte { return in.buf[in.from:in.to] }

// compact makes room at the end of the buffer.
func (in *input) compact() {
	if in.from > 0 {
		in.to = copy(in.buf[:], in.unread())
		in.from = 0
	}
}

// interrupted takes ctrlC, and everything before it, out of the input.
func (in *input) interrupted() bool {
	i := bytes.LastIndexByte(in.unread(), ctrlC)
	if !in.keys || i < 0 {
		return false
	}
	in.from += i + 1
	in.skipping = false
	return true
}

// line returns the next line without its end. A last line that the end of
// input cuts short is a line as well; io.EOF comes after it. After errLong and
// errInterrupted, and only then, reading can go on.
func (in *input) line() (string, error) {
	for {
		unread := in.unread()
		if i := bytes.IndexByte(unread, '\n'); i >= 0 {
			in.from += i + 1
			return in.complete(bytes.TrimSuffix(unread[:i], []byte{'\r'}))
		}
		if in.skipping || len(unread) > maxLine+1 { // with a CR
			in.skipping = true
			in.from, in.to = 0, 0
		}
		if in.err == io.EOF && (len(unread) > 0 || in.skipping) {
			in.from = in.to
			return in.complete(bytes.TrimSuffix(unread, []byte{'\r'}))
		}
		if in.err != nil {
			return "", in.err
		}
		if err := in.fill(in.idle, nil); err != nil {
			return "", err
		}
		if in.interrupted() {
			return "", errInterrupted
		}
	}
}

func (in *input) complete(b []byte) (string, error) {
	if in.skipping || len(b) > maxLine {
		in.skipping = false
		return "", errLong
	}
	return string(b), nil
}

// fill waits for more input, at most for idle; 0 is without limit. An end of
// the input or of the connection is kept in in.err, for the caller to see after
// what was read before it.
//
// Closing stopping, if it is not nil, and then setting a deadline that has
// passed ends the wait with errStopped.
func (in *input) fill(idle time.Duration, stopping <-chan struct{}) error {
	in.compact()
	var deadline time.Time
	if idle > 0 {
		deadline = time.Now().Add(idle)
	}
	for empty := 0; ; {
		if err := in.conn.SetReadDeadline(deadline); err != nil {
			return err
		}
		// Whatever ends the session cancels the context and then sets a
		// deadline that has passed. Checked in this order, one of the two is
		// seen even if the deadline was just overwritten.
		if err := context.Cause(in.ctx); err != nil {
			return err
		}
		select {
		case <-stopping:
			return errStopped
		default:
		}
		n, err := in.conn.Read(in.buf[in.to:])
		in.to += n
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if n > 0 {
				return nil
			}
			if in.ctx.Err() == nil && idle > 0 && !time.Now().Before(deadline) {
				return ErrIdle
			}
		case err != nil:
			in.err = err
			return nil
		case n > 0:
			return nil
		default:
			if empty++; empty == 100 {
				return io.ErrNoProgress
			}
		}
	}
}

// ReadByte implements io.ByteReader. It waits for at most in.idle.
func (in *input) ReadByte() (byte, error) {
	for in.from == in.to {
		if in.err != nil {
			return 0, in.err
		}
		if err := in.fill(in.idle, nil); err != nil {
			return 0, err
		}
	}
	in.from++
	return in.buf[in.from-1], nil
}

// answered drops what was meant for the command that it ended: an empty line,
// or a key without a line's end from a terminal in raw mode.
func (in *input) answered() {
	unread := in.unread()
	i := bytes.IndexByte(unread, '\n')
	if i < 0 {
		in.from = in.to
	} else if len(bytes.TrimSpace(unread[:i])) == 0 {
		in.from += i + 1
	}
}
