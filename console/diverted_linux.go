//go:build linux && (amd64 || arm64)

package console

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy/internal/copier"
	"golang.org/x/sys/unix"
)

// diverted is one stream, or both if they lead to the same place, on the way
// through a pipe and a process that copies: see package copier for what it
// keeps whole, and why it is a process.
//
// What the program writes through os.Stdout and os.Stderr keeps its order:
// nobody does at the moment when the descriptors change, and at the end nothing
// is left in the pipe by then; unless that takes too long, which tail says.
// Others (println, C code, another os.File of the same descriptor) are not kept
// from writing in that moment, and what they write next may overtake it. With a
// program that writes as fast as it can that was seen once in sixty changes.
type diverted struct {
	streams []stream
	pipe    unix.Stat_t
	saved   []int // what the streams were
	flags   []int // FD_CLOEXEC of them

	mu     sync.Mutex
	copier *copier.Copier
	// watch looks whether the process has ended that copies. Tail sees that as
	// well, but not while it waits for a peer that does not read, and the
	// program must not wait for that one.
	watch  *time.Timer
	orphan bool // whether it had ended when watch looked last
	closed bool
}

// holdPatience is how long to wait for writes to end that are under way: very
// long if whoever reads what the program writes has stopped.
const holdPatience = 2 * time.Second

// watchAgain is how long tail has to notice by itself what watch looks for.
const watchAgain = 500 * time.Millisecond

func divert(s *session, streams []stream) (source, error) {
	d := &diverted{streams: streams}
	if err := d.prepare(); err != nil {
		d.forget()
		return nil, err
	}
	if err := d.begin(s); err != nil {
		d.restore()
		d.copier.Close()
		d.forget()
		return nil, err
	}
	d.mu.Lock()
	d.watch = time.AfterFunc(watchAgain, func() { contain(d.standIn) })
	d.mu.Unlock()
	return d, nil
}

func (d *diverted) prepare() (err error) {
	for _, st := range d.streams {
		saved, err := unix.FcntlInt(uintptr(st.fd), unix.F_DUPFD_CLOEXEC, unix.Stderr+1)
		if err != nil {
			return err
		}
		flags, _ := unix.FcntlInt(uintptr(st.fd), unix.F_GETFD, 0)
		d.saved, d.flags = append(d.saved, saved), append(d.flags, flags)
		status, err := unix.FcntlInt(uintptr(saved), unix.F_GETFL, 0)
		if err != nil {
			return err
		}
		if status&unix.O_NONBLOCK != 0 {
			return errors.New("it is in non-blocking mode, on which the program may rely, and what would take its place is not")
		}
	}
	d.copier, err = copier.Start(d.saved[0])
	return err
}

func (d *diverted) begin(s *session) error {
	if err := unix.Fstat(d.copier.Input(), &d.pipe); err != nil {
		return err
	}
	held, err := d.hold(s, d.change)
	if !held {
		return errors.New("the program waits to write to it, and nobody reads what is there")
	}
	return err
}

// change has the streams lead to the pipe.
func (d *diverted) change() error {
	for i, s := range d.streams {
		if err := dup3(d.copier.Input(), s.fd, d.flags[i]); err != nil {
			return err
		}
	}
	return nil
}

// restore has them lead where they did.
func (d *diverted) restore() {
	for i, s := range d.streams {
		if d.leadsToPipe(s) {
			dup3(d.saved[i], s.fd, d.flags[i])
		}
	}
}

// dup3 is dup3(2) with the flags of F_GETFD.
func dup3(from, to, flags int) error {
	how := 0
	if flags&unix.FD_CLOEXEC != 0 {
		how = unix.O_CLOEXEC
	}
	for {
		// EBUSY is for a race with an open(2) that is about to be given the
		// same number, see dup(2).
		if err := unix.Dup3(from, to, how); err != unix.EINTR && err != unix.EBUSY {
			return err
		}
	}
}

func (d *diverted) leadsToPipe(s stream) bool {
	var st unix.Stat_t
	return unix.Fstat(s.fd, &st) == nil && st.Dev == d.pipe.Dev && st.Ino == d.pipe.Ino
}

func (d *diverted) forget() {
	for _, fd := range d.saved {
		unix.Close(fd)
	}
}

func (d *diverted) name() string {
	if len(d.streams) > 1 {
		return bothStreams
	}
	return d.streams[0].name
}

func (d *diverted) where() string {
	return fmt.Sprintf("%s (passed on by process %d)", link(d.saved[0]), d.copier.Pid())
}

func (d *diverted) look(t *tailing, last bool) (more bool, err error) {
	var lines, bytes uint64
	// The last look ends although the program goes on writing.
	for shown := 0; shown < atOnce || last && bytes < 2*behind; {
		p, note, err := d.read()
		if err != nil {
			return false, err
		}
		if note != "" {
			t.say("%s", note)
			return true, nil
		}
		if p.MissedBytes > 0 {
			t.missed(d, p.MissedLines, p.MissedBytes, "")
		}
		switch {
		case len(p.Text) == 0 && p.MissedBytes > 0:
		case len(p.Text) == 0 && bytes > 0:
			t.missed(d, lines, bytes, "")
			return false, nil
		case len(p.Text) == 0:
			return false, d.elsewhere()
		case shown < atOnce:
			shown += len(p.Text)
			t.show(d, p.Text)
		default:
			lines += p.Lines()
			bytes += uint64(len(p.Text))
		}
	}
	if bytes > 0 {
		t.missed(d, lines, bytes, "at least ")
	}
	return true, nil
}

// read returns the next piece, or a note about who passes on the next.
func (d *diverted) read() (p copier.Piece, note string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err = d.copier.Read()
	if errors.Is(err, io.EOF) {
		note, err = d.succeed()
	}
	return p, note, err
}

// succeed has another process take the place of one that has ended: somebody
// killed it, or there is nobody left to pass on to, which ends tail.
func (d *diverted) succeed() (note string, err error) {
	if d.unread() {
		return "", fmt.Errorf("nobody reads what the program writes to %s any more", d.name())
	}
	old := d.copier.Pid()
	if err := d.copier.Restart(d.saved[0]); err != nil {
		return "", fmt.Errorf("process %d, which passed on %s, has ended, and no other could be started: %w", old, d.name(), err)
	}
	return fmt.Sprintf("%s: process %d was ended, and perhaps not all before this is shown; %d goes on", d.name(), old, d.copier.Pid()), nil
}

// unread reports whether nobody is left to read what is passed on.
func (d *diverted) unread() bool {
	fds := []unix.PollFd{{Fd: int32(d.saved[0]), Events: unix.POLLOUT}}
	_, err := unix.Poll(fds, 0)
	return err == nil && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}

// standIn does the work of a process that ended without tail noticing.
func (d *diverted) standIn() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	again := watchAgain
	ended := d.copier.Ended()
	if ended && d.orphan {
		if d.unread() {
			d.restore() // and the program learns it, as it would have without us
		}
		d.copier.Rescue(d.saved[0], time.Second)
		again = 10 * time.Millisecond
	}
	d.orphan = ended
	d.watch.Reset(again)
	return nil
}

// elsewhere is an error if no stream leads to the pipe any more.
func (d *diverted) elsewhere() error {
	for _, s := range d.streams {
		if d.leadsToPipe(s) {
			return nil
		}
	}
	return elsewhere(d.name())
}

func (d *diverted) close(t *tailing) {
	d.mu.Lock()
	d.replace()
	d.mu.Unlock()
	held, err := d.hold(t.s, func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		defer d.restore()
		return d.settle()
	})
	if held {
		d.letGo()
	} else {
		// First, so that no other write goes to the pipe after those that are
		// waited for.
		d.mu.Lock()
		d.restore()
		d.mu.Unlock()
		err = copier.ErrBehind
		go contain(func() error {
			d.awaitWrites()
			d.letGo()
			return nil
		})
	}
	if err != nil {
		t.say("%s: what was written last may come after what is written now: %v", d.name(), err)
	}
}

// awaitWrites returns when all writes through package os have ended that began
// before.
func (d *diverted) awaitWrites() {
	for _, s := range d.streams {
		withLock(s, func() {})
	}
}

// letGo gives back all there is. No write to the pipe through package os may be
// under way: when nobody can read it any more, the program would get SIGPIPE.
func (d *diverted) letGo() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.watch.Stop()
	d.replace() // children may write to the pipe for long
	d.copier.Close()
	d.forget()
}

// replace has the rest passed on if the process has ended that did it.
func (d *diverted) replace() {
	if !d.copier.Ended() {
		return
	}
	if _, err := d.succeed(); err != nil {
		d.copier.Rescue(d.saved[0], time.Second)
	}
}

// settle waits until nothing is left in the pipe.
func (d *diverted) settle() error {
	err := d.copier.Settle(time.Second)
	if errors.Is(err, io.EOF) {
		return d.copier.Rescue(d.saved[0], time.Second)
	}
	return err
}

// hold calls f while nobody writes to the streams through package os, and
// reports whether it could.
func (d *diverted) hold(s *session, f func() error) (held bool, err error) {
	var locked atomic.Int32
	var begun atomic.Bool // by f, or by giving up
	ended := make(chan ending, 1)
	release := make(chan struct{})
	// Waiting for a lock of package os can't be given up. Where it lasts, it
	// ends together with the write of the program that it waits for.
	for _, st := range d.streams {
		go withLock(st, func() {
			if int(locked.Add(1)) == len(d.streams) && begun.CompareAndSwap(false, true) {
				ended <- contain(f)
				close(release)
			}
			<-release
		})
	}
	for start := time.Now(); ; s.pause() {
		select {
		case end := <-ended:
			if end.panicked {
				return true, fmt.Errorf("panic: %s", end.value)
			}
			return true, end.err
		default:
		}
		if time.Since(start) > holdPatience && begun.CompareAndSwap(false, true) {
			close(release)
			return false, nil
		}
	}
}

// withLock calls f with the write lock of the stream's file. One that the
// program has closed has none.
func withLock(s stream, f func()) {
	called := false
	if c, err := s.file.SyscallConn(); err == nil {
		c.Write(func(uintptr) bool {
			called = true
			f()
			return true
		})
	}
	if !called {
		f()
	}
}
