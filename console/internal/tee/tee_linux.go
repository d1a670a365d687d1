//go:build linux && (amd64 || arm64)

package tee

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// capacity is what each pipe is asked to hold, in bytes: the most that a
	// process without privileges may ask for, see pipe(7).
	capacity = 1 << 20
	// atOnce is what is read of the copies at once, whole records or not.
	atOnce = 64 << 10
)

// A Tee is the helper process and its connections. It is not safe for concurrent
// use.
type Tee struct {
	pid     int
	env     []string // of the process
	fate    string   // how it ended
	in, out int      // the ends of the pipe: to write to, to read from
	copies  int      // records are read from here
	control int      // questions are written here

	buf      [atOnce]byte
	unread   []byte // in buf
	bytes    uint64 // passed on before it
	newlines uint64

	asked, answered byte // the last question, and the last that was answered
	unsure          bool // whether something may have been missed since the last piece

	rescuedBytes, rescuedLines uint64 // passed on by Rescue since the process was started
}

// A Piece is what was passed on at once, or a part of it, or nothing where
// something is missing.
type Piece struct {
	Text []byte // valid until the next call
	// How much was passed on before it and not copied, because the copies were
	// not read in time, or because Rescue did it.
	MissedBytes, MissedLines uint64
}

// Lines returns how many lines end in it.
func (p Piece) Lines() uint64 { return uint64(bytes.Count(p.Text, []byte{'\n'})) }

// Start starts a process that passes on what is written to the pipe (see Input)
// to the descriptor output.
func Start(output int) (*Tee, error) {
	t := &Tee{in: -1, out: -1, copies: -1, control: -1, env: []string{}}
	err := t.start(output)
	// Nothing leads to it yet, so this is the time to find out that it cannot
	// live: with a seccomp filter, for instance.
	if err == nil && t.Settle(2*time.Second) == io.EOF {
		err = fmt.Errorf("the helper process %s at once", t.Fate())
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *Tee) start(output int) (err error) {
	flags := 0
	if inMessages(output) {
		flags, t.env = unix.O_DIRECT, []string{packets}
	}
	if t.out, t.in, err = pipe(flags); err != nil {
		return err
	}
	if err := unix.SetNonblock(t.out, true); err != nil {
		return err
	}
	unix.FcntlInt(uintptr(t.in), unix.F_SETPIPE_SZ, capacity) // or the default
	return t.spawn(output)
}

// Restart starts another process in place of one that has ended. It goes on with
// what was left in the pipe.
func (t *Tee) Restart(output int) error {
	closeAll(t.copies, t.control)
	t.copies, t.control = -1, -1
	t.release()
	t.unread = nil
	t.asked, t.answered, t.unsure = 0, 0, t.rescuedBytes > 0
	// The new process counts from 0, without what was rescued.
	t.bytes, t.newlines = -t.rescuedBytes, -t.rescuedLines
	t.rescuedBytes, t.rescuedLines = 0, 0
	return t.spawn(output)
}

// Pid returns the PID of the process.
func (t *Tee) Pid() int { return t.pid }

// Ended reports whether the process has ended, although the pipe is still held.
func (t *Tee) Ended() bool {
	fds := []unix.PollFd{{Fd: int32(t.copies), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, 0); err != unix.EINTR {
			break
		}
	}
	return t.copies < 0 || fds[0].Revents&unix.POLLHUP != 0
}

// Input returns the end of the pipe to write to. Children do not inherit it.
func (t *Tee) Input() int { return t.in }

// Read returns the next piece that was passed on, without waiting for one: the
// zero Piece if there is none yet, and io.EOF if the process has ended.
func (t *Tee) Read() (Piece, error) {
	for {
		r, rest, ok, err := takeRecord(t.unread)
		switch {
		case err != nil:
			return Piece{}, err
		case ok:
			t.unread = rest
			if r.answer != 0 {
				t.answered = r.answer
			}
			if p := t.piece(r); len(p.Text) > 0 || p.MissedBytes > 0 {
				t.unsure = t.unsure || r.answer == 0
				return p, nil
			}
			continue
		}
		n := copy(t.buf[:], t.unread)
		more, err := unix.Read(t.copies, t.buf[n:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN && t.unsure:
			// The next record says what was missed before it. If none comes,
			// the answer to a question does.
			t.unsure = false
			return Piece{}, t.ask()
		case err == unix.EAGAIN:
			return Piece{}, nil
		case err != nil:
			return Piece{}, err
		case more == 0:
			return Piece{}, io.EOF
		default:
			t.unread = t.buf[:n+more]
		}
	}
}

// Ask asks the process whether everything written to the pipe before has been
// passed on. Answered reports whether it has, once the copies of it have been
// read; the error is io.EOF if the process has ended.
func (t *Tee) Ask() (question byte, err error) {
	err = t.ask()
	return t.asked, err
}

// Answered reports whether the answer to a question, or to a later one, was read.
func (t *Tee) Answered(question byte) bool { return int8(t.answered-question) >= 0 }

// ask asks a question.
func (t *Tee) ask() error {
	if t.Ended() {
		return io.EOF // without SIGPIPE, of which the program may be notified
	}
	if t.asked++; t.asked == 0 {
		t.asked = 1
	}
	if _, err := unix.Write(t.control, []byte{t.asked}); err == unix.EPIPE {
		return io.EOF // it will not be read
	} else if err != nil && err != unix.EINTR {
		return err
	}
	return nil
}

func (t *Tee) piece(r record) Piece {
	p := Piece{Text: r.text, MissedBytes: r.bytes - t.bytes, MissedLines: r.newlines - t.newlines}
	t.bytes = r.bytes + uint64(len(r.text))
	t.newlines = r.newlines + p.Lines()
	return p
}

// ErrBehind is the error if the output takes nothing for too long.
var ErrBehind = errors.New("the reader of the output is slow")

// Settle waits until everything written to the pipe has been passed on, and
// skips the copies of it. Nothing may be written during the call. The error is
// ErrBehind if it takes longer than timeout, and io.EOF if the process has ended.
func (t *Tee) Settle(timeout time.Duration) error {
	if err := t.ask(); err != nil {
		return err
	}
	asked := t.asked
	for end := time.Now().Add(timeout); ; {
		p, err := t.Read()
		switch {
		case err != nil:
			return err
		case t.Answered(asked):
			return nil
		case time.Now().After(end):
			return ErrBehind
		case len(p.Text) > 0:
		default:
			awaitRaw(t.copies, time.Millisecond)
		}
	}
}

// Rescue passes on to output what a process that has ended left in the pipe. It
// returns ErrBehind if that takes longer than timeout; one write may take longer.
func (t *Tee) Rescue(output int, timeout time.Duration) error {
	var packet []byte
	for end := time.Now().Add(timeout); time.Now().Before(end); {
		if !writable(output, end) {
			return ErrBehind
		}
		if packet == nil {
			if n, err := unix.IoctlGetInt(t.out, unix.TIOCINQ); n == 0 && err == nil {
				return nil // without allocating anything
			}
			packet = make([]byte, atOnce)
		}
		n, err := unix.Read(t.out, packet)
		switch {
		case err == unix.EINTR:
			continue
		case n <= 0:
			return nil
		}
		t.rescuedBytes += uint64(n)
		t.rescuedLines += uint64(bytes.Count(packet[:n], []byte{'\n'}))
		for b := packet[:n]; len(b) > 0; {
			n, err := unix.Write(output, b)
			if err == unix.EAGAIN && !writable(output, end) {
				return ErrBehind
			}
			if err != nil && err != unix.EINTR && err != unix.EAGAIN {
				break // lost, as it would have been without the tee
			}
			b = b[max(n, 0):]
		}
	}
	return ErrBehind
}

// writable waits until fd can be written to, and reports whether it can.
func writable(fd int, until time.Time) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(fds, int(max(0, time.Until(until).Milliseconds())))
	return n > 0 || err == unix.EINTR && time.Now().Before(until)
}

// awaitRaw waits until there is something to read. The scheduler does not know of
// the system call, because in a saturated process returning from one it knows
// of can take seconds. So timeout has to be short.
func awaitRaw(fd int, timeout time.Duration) {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	ts := unix.NsecToTimespec(int64(timeout))
	unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), 1, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
}

// Close releases the pipe and the process, which ends as soon as nothing else
// holds the pipe.
func (t *Tee) Close() {
	closeAll(t.in, t.out, t.copies, t.control)
	t.release()
}
