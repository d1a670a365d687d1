//go:build linux && (amd64 || arm64)

package tail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-manhole/lazy/console/internal/tee"
	"github.com/go-manhole/lazy/internal/mark"
	"golang.org/x/sys/unix"
)

// teeTail diverts a stream, or both if they lead to the same place, through the
// pipe of a tee.
//
// What the program writes through os.Stdout and os.Stderr keeps its order: no
// such write is under way while the descriptors change, and at the end the pipe
// is empty by then; if that takes too long, a note says so. Other writers
// (println, C code, another os.File with the same descriptor) are not held up
// then, and what they write next may overtake what is in the pipe. With a
// program that writes as fast as it can this was seen once in sixty changes.
type teeTail struct {
	streams []stream
	pause   func()
	pipe    unix.Stat_t
	saved   []int // copies of the streams' descriptors
	flags   []int // their flags of F_GETFD

	mu  sync.Mutex
	tee *tee.Tee
	// watch checks whether the helper process has ended. Show does so too, but
	// not while it waits for a peer that does not read, and the program must
	// not wait for that peer.
	watch  *time.Timer
	orphan bool // whether the process had ended at the last check

	started time.Time // the process, by succeed
	worked  bool      // whether anything came from it
	deaths  int       // of processes in a row that did not live for long
	givenUp bool

	question byte      // asked when no stream led to the pipe any more
	since    time.Time // when that was seen; zero before
	closed   bool
}

// holdTimeout is how long to wait for writes that are under way. They take long
// if the reader of the program's output has stopped.
const holdTimeout = 2 * time.Second

// A process that ends sooner than it should is replaced so many times.
const (
	maxDeaths = 5
	longLife  = time.Second
)

// watchInterval is how long Show has to notice that the process has ended.
const watchInterval = 500 * time.Millisecond

func divert(streams []stream, pause func()) (source, error) {
	d := &teeTail{streams: streams, pause: pause}
	if err := d.prepare(); err != nil {
		d.forget()
		return nil, err
	}
	if err := d.begin(); err != nil {
		d.restore()
		d.tee.Close()
		d.forget()
		return nil, err
	}
	d.mu.Lock()
	d.watch = time.AfterFunc(watchInterval, func() { mark.Session(func() { contain(d.standIn) }) })
	d.mu.Unlock()
	return d, nil
}

func (d *teeTail) prepare() (err error) {
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
			return errors.New("it is in non-blocking mode, which the program may rely on and a pipe could not keep")
		}
	}
	d.tee, err = tee.Start(d.saved[0])
	return err
}

func (d *teeTail) begin() error {
	if err := unix.Fstat(d.tee.Input(), &d.pipe); err != nil {
		return err
	}
	held, err := hold(d.streams, d.pause, d.change)
	if !held {
		return errors.New("a write of the program is blocked, because its reader does not read")
	}
	return err
}

// change makes the streams lead to the pipe.
func (d *teeTail) change() error {
	for i, s := range d.streams {
		if err := dup3(d.tee.Input(), s.fd, d.flags[i]); err != nil {
			return err
		}
	}
	return nil
}

// restore makes them lead where they did.
func (d *teeTail) restore() {
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
		// EBUSY means a race with an open(2) that is about to get the same
		// number, dup(2).
		if err := unix.Dup3(from, to, how); err != unix.EINTR && err != unix.EBUSY {
			return err
		}
	}
}

func (d *teeTail) leadsToPipe(s stream) bool {
	var st unix.Stat_t
	return unix.Fstat(s.fd, &st) == nil && st.Dev == d.pipe.Dev && st.Ino == d.pipe.Ino
}

func (d *teeTail) forget() {
	for _, fd := range d.saved {
		unix.Close(fd)
	}
}

func (d *teeTail) name() string {
	if len(d.streams) > 1 {
		return bothStreams
	}
	return d.streams[0].name
}

func (d *teeTail) where() string {
	return fmt.Sprintf("%s (passed on by process %d)", link(d.saved[0]), d.tee.Pid())
}

func (d *teeTail) show(_ context.Context, t *Tail, last bool) (more bool, err error) {
	var lines, bytes uint64
	// The last call ends even if the program goes on writing.
	for shown := 0; shown < chunk || last && bytes < 2*maxBehind; {
		p, note, err := d.read()
		if err != nil {
			return false, err
		}
		if note != "" {
			t.note("%s", note)
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
			return false, d.checkPipe()
		case shown < chunk:
			shown += len(p.Text)
			t.write(d, p.Text)
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

// read returns the next piece, or a note that another process goes on.
func (d *teeTail) read() (p tee.Piece, note string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err = d.tee.Read()
	d.worked = d.worked || len(p.Text) > 0
	if errors.Is(err, io.EOF) {
		note, err = d.succeed()
	}
	return p, note, err
}

// succeed starts another process in place of one that has ended: it was killed,
// or nothing reads its output any more, which ends tail. It gives up if none lives
// for long: a seccomp filter may be newer than tail.
func (d *teeTail) succeed() (note string, err error) {
	if d.unread() {
		return "", fmt.Errorf("the reader of the program's %s has gone", d.name())
	}
	old := d.tee.Pid()
	if d.givenUp {
		return "", fmt.Errorf("nothing passes on %s", d.name())
	}
	if d.worked && time.Since(d.started) > longLife {
		d.deaths = 0
	}
	fate := d.tee.Fate()
	if d.deaths++; d.deaths > maxDeaths {
		d.givenUp = true
		return "", fmt.Errorf("process %d, which passed on %s, %s, soon after the %d before it; %s", old, d.name(), fate, maxDeaths, d.alternative())
	}
	d.started, d.worked = time.Now(), false
	if err := d.tee.Restart(d.saved[0]); err != nil {
		return "", fmt.Errorf("process %d, which passed on %s, has ended, and cannot be replaced: %w", old, d.name(), err)
	}
	return fmt.Sprintf("%s: process %d %s, and some output before this may be missing; process %d goes on", d.name(), old, fate, d.tee.Pid()), nil
}

// alternative says how else to see what is written there.
func (d *teeTail) alternative() string {
	var st unix.Stat_t
	unix.Fstat(d.saved[0], &st)
	return alternative(&st)
}

// unread reports whether nothing is left to read what is passed on.
func (d *teeTail) unread() bool {
	fds := []unix.PollFd{{Fd: int32(d.saved[0]), Events: unix.POLLOUT}}
	_, err := unix.Poll(fds, 0)
	return err == nil && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}

// standIn does the work of a process that ended unnoticed.
func (d *teeTail) standIn() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	again := watchInterval
	ended := d.tee.Ended()
	if ended && d.orphan {
		if d.unread() {
			d.restore() // and the program gets the error that it would have without tail
		}
		d.tee.Rescue(d.saved[0], time.Second)
		again = 10 * time.Millisecond
	}
	d.orphan = ended
	d.watch.Reset(again)
	return nil
}

// checkPipe returns an error if no stream leads to the pipe any more and all that
// came through it has been read.
func (d *teeTail) checkPipe() error {
	for _, s := range d.streams {
		if d.leadsToPipe(s) {
			d.since = time.Time{}
			return nil
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.since.IsZero() {
		d.since = time.Now()
		var err error
		if d.question, err = d.tee.Ask(); err != nil {
			return moved(d.name())
		}
	}
	// A child that writes without a pause delays the answer.
	if !d.tee.Answered(d.question) && time.Since(d.since) < holdTimeout {
		return nil
	}
	return moved(d.name())
}

func (d *teeTail) close(t *Tail) {
	d.mu.Lock()
	d.replace()
	d.mu.Unlock()
	held, err := hold(d.streams, d.pause, func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		defer d.restore()
		return d.settle()
	})
	if held {
		d.release()
	} else {
		// First, so that nothing goes to the pipe after the writes that
		// awaitWrites waits for.
		d.mu.Lock()
		d.restore()
		d.mu.Unlock()
		err = tee.ErrBehind
		go mark.Session(func() {
			contain(func() error {
				d.awaitWrites()
				d.release()
				return nil
			})
		})
	}
	if err != nil {
		t.note("%s: what was written last may come after what is written now: %v", d.name(), err)
	}
}

// awaitWrites waits for the writes through package os that are under way.
func (d *teeTail) awaitWrites() {
	for _, s := range d.streams {
		withLock(s, func() {})
	}
}

// release closes everything. No write to the pipe through package os may be under
// way: once nothing can read the pipe, the program would get SIGPIPE.
func (d *teeTail) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.watch.Stop()
	d.replace() // children may write to the pipe for long
	d.tee.Close()
	d.forget()
}

// replace makes sure that the rest is passed on if the process has ended.
func (d *teeTail) replace() {
	if !d.tee.Ended() {
		return
	}
	if _, err := d.succeed(); err != nil {
		d.tee.Rescue(d.saved[0], time.Second)
	}
}

// settle waits until the pipe is empty.
func (d *teeTail) settle() error {
	err := d.tee.Settle(time.Second)
	if errors.Is(err, io.EOF) {
		return d.tee.Rescue(d.saved[0], time.Second)
	}
	return err
}
