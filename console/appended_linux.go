package console

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// appended is a regular file that one of the program's descriptors writes to,
// read from where the program was when it was opened.
type appended struct {
	stream  string // stdout, stderr or both
	fd      int    // the program's, which it may close or replace at any time
	own     int    // ours, an open file description of its own if possible
	dev     uint64
	ino     uint64
	appends bool  // O_APPEND
	from    int64 // what is to be read next
}

// openAppended opens the file that fd writes to.
func openAppended(name string, fd int) (*appended, error) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	own, err := reopen(fd, flags)
	switch {
	case errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE):
		return nil, fmt.Errorf("%s: %w; a descriptor is needed to read the file with, fds shows those in use", name, err)
	case err != nil:
		return nil, fmt.Errorf("%s goes to %s, which the program may write but not read: %w", name, link(fd), err)
	}
	f := &appended{stream: name, fd: fd, own: own, appends: flags&unix.O_APPEND != 0}
	var st unix.Stat_t
	if err = unix.Fstat(own, &st); err == nil { // maybe not the file of before
		f.dev, f.ino = uint64(st.Dev), st.Ino
		f.from, err = f.end()
	}
	if err != nil {
		f.close(nil)
		return nil, err
	}
	return f, nil
}

// reopen returns a descriptor to read what fd writes to: not a copy of fd,
// whose flags and locks the two would share, unless the file may not be opened
// again and fd itself may read.
func reopen(fd, flags int) (int, error) {
	own, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil && flags&unix.O_ACCMODE == unix.O_RDWR {
		return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, unix.Stderr+1)
	}
	if err != nil || own > unix.Stderr {
		return own, err
	}
	// In a process without stdin, stdout or stderr the lowest is one of them,
	// which nothing of ours may be.
	above, err := unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, unix.Stderr+1)
	unix.Close(own)
	return above, err
}

func (f *appended) name() string { return f.stream }

// where is the path of the file, or what it was.
func (f *appended) where() string { return link(f.own) }

func (f *appended) close(*tailing) { unix.Close(f.own) }

const (
	// behind is how much the peer may be late by before it loses lines.
	behind = 1 << 20
	// countMost is how much of what it loses is read to count the lines. Only
	// a file that somebody made longer without writing gets there.
	countMost = 64 << 20
)

func (f *appended) look(t *tailing, last bool) (more bool, err error) {
	to, elsewhere := f.end()
	if to < f.from {
		t.say("%s: the file was cut, from its beginning", f.stream)
		f.from = 0
	}
	if late := to - f.from; late > behind || last && late > atOnce {
		if err := f.skip(t, to); err != nil {
			return false, err
		}
	}
	n, err := f.read(t.buf[:min(atOnce, to-f.from)])
	if err != nil {
		return false, err
	}
	t.show(f, t.buf[:n])
	if n > 0 && f.from < to {
		return true, nil
	}
	return false, elsewhere
}

// skip leaves out what the peer is too slow for, but for the last lines before
// to, and says how much that is.
func (f *appended) skip(t *tailing, to int64) error {
	start, lines, atLeast := f.from, 0, ""
	for left := to - atOnce - f.from; left > 0; left = to - atOnce - f.from {
		if f.from-start >= countMost {
			f.from, atLeast = to-atOnce, "at least "
			break
		}
		n, err := f.read(t.buf[:min(atOnce, left)])
		if err != nil {
			return err
		}
		if n == 0 {
			return nil // cut meanwhile
		}
		lines += bytes.Count(t.buf[:n], []byte{'\n'})
		if t.s.peer.ctx.Err() != nil {
			return nil
		}
	}
	// What is shown next begins a line.
	n, err := f.read(t.buf[:min(atOnce, to-f.from)])
	if err != nil {
		return err
	}
	f.from -= int64(n)
	if i := bytes.IndexByte(t.buf[:n], '\n'); i >= 0 {
		f.from += int64(i) + 1
		lines++
	}
	t.missed(f, uint64(lines), uint64(f.from-start), atLeast)
	return nil
}

// end returns how far the program has written, and an error if that is the end
// because the descriptor leads elsewhere now.
//
// With O_APPEND it is the size, and what others append is seen as well.
// Without it is the position of the description, which children share: there
// may be older text behind it, or a gap before it if the file was cut.
//
// In a saturated process each system call is a chance to wait for seconds, so
// there is one where one will do.
func (f *appended) end() (int64, error) {
	var at int64
	var err error
	if !f.appends {
		// Asked for first, so that it is not that of another file.
		at, err = unix.Seek(f.fd, 0, unix.SEEK_CUR)
	}
	var st unix.Stat_t
	if err == nil {
		err = unix.Fstat(f.fd, &st)
	}
	if err != nil || uint64(st.Dev) != f.dev || st.Ino != f.ino {
		if err := unix.Fstat(f.own, &st); err != nil {
			return f.from, err
		}
		return st.Size, elsewhere(f.stream)
	}
	if f.appends {
		return st.Size, nil
	}
	return at, nil
}

// read reads what is next.
func (f *appended) read(p []byte) (int, error) {
	for len(p) > 0 {
		n, err := unix.Pread(f.own, p, f.from)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, fmt.Errorf("reading what %s wrote: %w", f.stream, err)
		}
		f.from += int64(n)
		return n, nil
	}
	return 0, nil
}

// same reports whether what is written to one of the two is found in the
// other: both append to one file, or are one open file description.
func (f *appended) same(g *appended) bool {
	if f.dev != g.dev || f.ino != g.ino || f.appends != g.appends {
		return false
	}
	if f.appends {
		return true
	}
	const kcmpFile = 0 // KCMP_FILE, kcmp(2)
	pid := uintptr(unix.Getpid())
	order, _, errno := unix.Syscall6(unix.SYS_KCMP, pid, pid, kcmpFile, uintptr(f.fd), uintptr(g.fd), 0)
	if errno != 0 { // not in this kernel, or not allowed
		return f.from == g.from
	}
	return order == 0
}
