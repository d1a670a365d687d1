//go:build linux && (amd64 || arm64)

package copier

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"syscall"
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

// A Copier is the process, and what it is connected by. It is not safe for
// concurrent use.
type Copier struct {
	pid     int
	in, out int // of the pipe: to write to it, to read from it
	copies  int
	control int

	buf      [atOnce]byte
	unread   []byte // in buf
	bytes    uint64 // that were passed on before it
	newlines uint64

	asked, answered byte // of questions, the last
	unsure          bool // whether something was missed since the last piece

	rescuedBytes, rescuedLines uint64 // by Rescue, since the process was started
}

// A Piece is what one write(2) brought, or a part of it, or nothing if that is
// where something is missing.
type Piece struct {
	Text []byte // valid until the next call
	// So much was passed on before it and not copied, because the copies were
	// not read in time, or by Rescue.
	MissedBytes, MissedLines uint64
}

// Lines is how many lines end in it.
func (p Piece) Lines() uint64 { return uint64(bytes.Count(p.Text, []byte{'\n'})) }

// Start starts a process that passes on to the descriptor output what is
// written to the pipe.
func Start(output int) (*Copier, error) {
	c := &Copier{in: -1, out: -1, copies: -1, control: -1}
	if err := c.start(output); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Copier) start(output int) (err error) {
	// In packets, so that what one write of up to 4096 bytes brought is passed
	// on by one as well, and does not mix with what others write there
	// (pipe(2), O_DIRECT).
	if c.out, c.in, err = pipe(unix.O_DIRECT); err != nil {
		return err
	}
	if err := unix.SetNonblock(c.out, true); err != nil {
		return err
	}
	unix.FcntlInt(uintptr(c.in), unix.F_SETPIPE_SZ, capacity) // or what it has
	return c.spawn(output)
}

// spawn starts the process with what it needs but the pipe.
func (c *Copier) spawn(output int) (err error) {
	image, toCopies, fromControl := -1, -1, -1
	defer func() { closeAll(image, toCopies, fromControl) }()
	if c.copies, toCopies, err = pipe(unix.O_NONBLOCK); err != nil {
		return err
	}
	if fromControl, c.control, err = pipe(0); err != nil {
		return err
	}
	unix.FcntlInt(uintptr(c.copies), unix.F_SETPIPE_SZ, capacity)
	if image, err = executable(); err != nil {
		return err
	}
	files := [...]uintptr{
		loopInput:   uintptr(c.out),
		loopOutput:  uintptr(output),
		loopCopies:  uintptr(toCopies),
		loopControl: uintptr(fromControl),
		loopImage:   uintptr(image), // at this number whatever it had here
	}
	name := fmt.Sprintf("lazy-tail of %d", unix.Getpid())
	c.pid, err = syscall.ForkExec("/proc/self/fd/"+strconv.Itoa(loopImage), []string{name}, &syscall.ProcAttr{
		Env:   []string{},
		Files: files[:],
		// Not of the terminal, which sends signals when it goes.
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if errors.Is(err, unix.ENOENT) {
		err = errors.New("/proc is not there to start it from")
	}
	if err != nil {
		return fmt.Errorf("starting a process of our own: %w", err)
	}
	return nil
}

// Restart starts another process in place of one that has ended, which goes on
// with what that one left in the pipe.
func (c *Copier) Restart(output int) error {
	closeAll(c.copies, c.control)
	c.copies, c.control = -1, -1
	c.release()
	c.unread = nil
	c.asked, c.answered, c.unsure = 0, 0, c.rescuedBytes > 0
	// The new process counts from 0, and knows nothing of what was rescued.
	c.bytes, c.newlines = -c.rescuedBytes, -c.rescuedLines
	c.rescuedBytes, c.rescuedLines = 0, 0
	return c.spawn(output)
}

// executable returns a memfd with image in it.
func executable() (int, error) {
	const mfdExec = 0x10 // MFD_EXEC of memfd_create(2), since Linux 6.3
	fd, err := unix.MemfdCreate("lazy-tail", unix.MFD_CLOEXEC|mfdExec)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate("lazy-tail", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	if n, err := unix.Write(fd, image()); err != nil || n < len(image()) {
		unix.Close(fd)
		return -1, fmt.Errorf("writing to a memfd: %w", cmp.Or(err, error(unix.EFBIG)))
	}
	return fd, nil
}

// pipe returns a pipe of which neither end is stdin, stdout or stderr, should
// those be closed.
func pipe(flags int) (r, w int, err error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], flags|unix.O_CLOEXEC); err != nil {
		return -1, -1, err
	}
	for i, fd := range ends {
		if fd > unix.Stderr {
			continue
		}
		if ends[i], err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, unix.Stderr+1); err != nil {
			closeAll(ends[:]...)
			unix.Close(fd)
			return -1, -1, err
		}
		unix.Close(fd)
	}
	return ends[0], ends[1], nil
}

func closeAll(fds ...int) {
	for _, fd := range fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// Pid is the process.
func (c *Copier) Pid() int { return c.pid }

// Ended reports whether the process has ended, although nobody let go of the
// pipe.
func (c *Copier) Ended() bool {
	fds := []unix.PollFd{{Fd: int32(c.copies), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, 0); err != unix.EINTR {
			break
		}
	}
	return c.copies < 0 || fds[0].Revents&unix.POLLHUP != 0
}

// Input is the end of the pipe to write to. It is not inherited by children.
func (c *Copier) Input() int { return c.in }

// Read returns the next piece that was passed on, without waiting for one: the
// zero Piece if there is none yet, and io.EOF if the process has ended.
func (c *Copier) Read() (Piece, error) {
	for {
		r, rest, ok, err := takeRecord(c.unread)
		switch {
		case err != nil:
			return Piece{}, err
		case ok:
			c.unread = rest
			if r.answer != 0 {
				c.answered = r.answer
			}
			if p := c.piece(r); len(p.Text) > 0 || p.MissedBytes > 0 {
				c.unsure = c.unsure || r.answer == 0
				return p, nil
			}
			continue
		}
		n := copy(c.buf[:], c.unread)
		more, err := unix.Read(c.copies, c.buf[n:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN && c.unsure:
			// What comes next tells what was missed before it. Should nothing
			// come, the answer does.
			c.unsure = false
			return Piece{}, c.ask()
		case err == unix.EAGAIN:
			return Piece{}, nil
		case err != nil:
			return Piece{}, err
		case more == 0:
			return Piece{}, io.EOF
		default:
			c.unread = c.buf[:n+more]
		}
	}
}

// ask asks a question.
func (c *Copier) ask() error {
	if c.Ended() {
		return io.EOF // and no SIGPIPE, which the program may be notified of
	}
	if c.asked++; c.asked == 0 {
		c.asked = 1
	}
	if _, err := unix.Write(c.control, []byte{c.asked}); err == unix.EPIPE {
		return io.EOF // nobody will read it
	} else if err != nil && err != unix.EINTR {
		return err
	}
	return nil
}

func (c *Copier) piece(r record) Piece {
	p := Piece{Text: r.text, MissedBytes: r.bytes - c.bytes, MissedLines: r.newlines - c.newlines}
	c.bytes = r.bytes + uint64(len(r.text))
	c.newlines = r.newlines + p.Lines()
	return p
}

// ErrBehind says that the output takes nothing.
var ErrBehind = errors.New("whoever reads the output is slow")

// Settle waits until all that was written to the pipe has been passed on, and
// skips the copies of it. Nobody may write meanwhile. The errors are ErrBehind
// if that takes longer than patience, and io.EOF if the process has ended.
func (c *Copier) Settle(patience time.Duration) error {
	if err := c.ask(); err != nil {
		return err
	}
	asked := c.asked
	for end := time.Now().Add(patience); ; {
		p, err := c.Read()
		switch {
		case err != nil:
			return err
		case int8(c.answered-asked) >= 0: // or to a later one
			return nil
		case time.Now().After(end):
			return ErrBehind
		case len(p.Text) > 0:
		default:
			awaitRaw(c.copies, time.Millisecond)
		}
	}
}

// Rescue passes on to output what is in the pipe when the process has ended,
// until nothing is left there. It returns ErrBehind if that takes longer than
// patience, which a write may that has begun.
func (c *Copier) Rescue(output int, patience time.Duration) error {
	var packet []byte
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if !takes(output, end) {
			return ErrBehind
		}
		if packet == nil {
			if n, err := unix.IoctlGetInt(c.out, unix.TIOCINQ); n == 0 && err == nil {
				return nil // before anything is allocated
			}
			packet = make([]byte, atOnce)
		}
		n, err := unix.Read(c.out, packet)
		switch {
		case err == unix.EINTR:
			continue
		case n <= 0:
			return nil
		}
		c.rescuedBytes += uint64(n)
		c.rescuedLines += uint64(bytes.Count(packet[:n], []byte{'\n'}))
		for b := packet[:n]; len(b) > 0; {
			n, err := unix.Write(output, b)
			if err == unix.EAGAIN && !takes(output, end) {
				return ErrBehind
			}
			if err != nil && err != unix.EINTR && err != unix.EAGAIN {
				break // lost, as it would have been without us
			}
			b = b[max(n, 0):]
		}
	}
	return ErrBehind
}

// takes waits until fd can be written to.
func takes(fd int, until time.Time) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(fds, int(max(0, time.Until(until).Milliseconds())))
	return n > 0 || err == unix.EINTR && time.Now().Before(until)
}

// awaitRaw waits until there is something to read. The scheduler is not told,
// as in a saturated process it could take seconds to come back from a system
// call that it knows of; so patience has to be short.
func awaitRaw(fd int, patience time.Duration) {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	t := unix.NsecToTimespec(int64(patience))
	unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), 1, uintptr(unsafe.Pointer(&t)), 0, 0, 0)
}

// Close lets go of the pipe and of the process, which ends as soon as nobody
// else holds the pipe.
func (c *Copier) Close() {
	closeAll(c.in, c.out, c.copies, c.control)
	c.release()
}

// release sees to it that nothing remains of the process once it has ended.
func (c *Copier) release() {
	pid := c.pid
	if c.pid = 0; pid == 0 {
		return
	}
	for range 10 {
		if reaped(pid) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	reapLater(pid)
}

// reapLater sees to it that no zombie remains of a process that does not end
// yet because children of the program hold the pipe.
func reapLater(pid int) {
	time.AfterFunc(time.Second, func() {
		if !reaped(pid) {
			reapLater(pid)
		}
	})
}

// reaped reports whether nothing is left of the process.
func reaped(pid int) bool {
	got, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
	// ECHILD if the program itself waits for any child.
	return got == pid || err == unix.ECHILD
}
