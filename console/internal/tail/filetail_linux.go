package tail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// fileTail reads a regular file that a descriptor of the program writes to, from
// where the program was at first.
type fileTail struct {
	stream  string // stdout, stderr or both
	fd      int    // the program's, which it may close or replace at any time
	reader  int    // for reading, with a separate file description if possible
	dev     uint64
	ino     uint64
	appends bool  // O_APPEND
	from    int64 // what is to be read next
}

// openFile opens the file that fd writes to.
func openFile(name string, fd int) (*fileTail, error) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	reader, err := reopen(fd, flags)
	switch {
	case errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE):
		return nil, fmt.Errorf("%s: %w; a descriptor is needed to read the file with, fds shows those in use", name, err)
	case err != nil:
		return nil, fmt.Errorf("%s goes to %s, which the program may write but not read: %w", name, link(fd), err)
	}
	f := &fileTail{stream: name, fd: fd, reader: reader, appends: flags&unix.O_APPEND != 0}
	var st unix.Stat_t
	if err = unix.Fstat(reader, &st); err == nil { // maybe another file by now
		f.dev, f.ino = uint64(st.Dev), st.Ino
		f.from, err = f.end()
	}
	if err != nil {
		f.close(nil)
		return nil, err
	}
	return f, nil
}

// reopen returns a descriptor to read what fd writes to. It is not a copy of fd,
// with which it would share flags and locks, unless the file may not be opened
// again and fd itself may read.
func reopen(fd, flags int) (int, error) {
	reader, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil && flags&unix.O_ACCMODE == unix.O_RDWR {
		return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, unix.Stderr+1)
	}
	if err != nil || reader > unix.Stderr {
		return reader, err
	}
	// In a process without stdin, stdout or stderr the lowest free number is
	// one of them, which this descriptor must not have.
	above, err := unix.FcntlInt(uintptr(reader), unix.F_DUPFD_CLOEXEC, unix.Stderr+1)
	unix.Close(reader)
	return above, err
}

func (f *fileTail) name() string { return f.stream }

// where returns the path of the file.
func (f *fileTail) where() string { return link(f.reader) }

func (f *fileTail) close(*Tail) { unix.Close(f.reader) }

// maxCounted is how much of what is skipped is read to count the lines. Only a
// file that was made longer without writing reaches it.
const maxCounted = 64 << 20

func (f *fileTail) show(ctx context.Context, t *Tail, last bool) (more bool, err error) {
	to, ended := f.end()
	if to < f.from {
		t.note("%s: the file was truncated; from its beginning", f.stream)
		f.from = 0
	}
	if late := to - f.from; late > maxBehind || last && late > chunk {
		if err := f.skip(ctx, t, to); err != nil {
			return false, err
		}
	}
	n, err := f.read(t.buf[:min(chunk, to-f.from)])
	if err != nil {
		return false, err
	}
	t.write(f, t.buf[:n])
	if n > 0 && f.from < to {
		return true, nil
	}
	return false, ended
}

// skip leaves out what the reader is too slow for, except the last lines before
// to, and notes how much that is.
func (f *fileTail) skip(ctx context.Context, t *Tail, to int64) error {
	start, lines, atLeast := f.from, 0, ""
	for left := to - chunk - f.from; left > 0; left = to - chunk - f.from {
		if f.from-start >= maxCounted {
			f.from, atLeast = to-chunk, "at least "
			break
		}
		n, err := f.read(t.buf[:min(chunk, left)])
		if err != nil {
			return err
		}
		if n == 0 {
			return nil // truncated since
		}
		lines += bytes.Count(t.buf[:n], []byte{'\n'})
		if ctx.Err() != nil {
			return nil
		}
	}
	// What is shown next begins a line.
	n, err := f.read(t.buf[:min(chunk, to-f.from)])
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
// Without it is the offset of the file description, which children share: there
// may be older text after it, or a gap before it if the file was truncated.
//
// In a saturated process each system call may take seconds to return, so there
// is only one where one is enough.
func (f *fileTail) end() (int64, error) {
	var at int64
	var err error
	if !f.appends {
		// First, so that it is not the offset of another file.
		at, err = unix.Seek(f.fd, 0, unix.SEEK_CUR)
	}
	var st unix.Stat_t
	if err == nil {
		err = unix.Fstat(f.fd, &st)
	}
	if err != nil || uint64(st.Dev) != f.dev || st.Ino != f.ino {
		if err := unix.Fstat(f.reader, &st); err != nil {
			return f.from, err
		}
		return st.Size, moved(f.stream)
	}
	if f.appends {
		return st.Size, nil
	}
	return at, nil
}

// read reads what comes next.
func (f *fileTail) read(p []byte) (int, error) {
	for len(p) > 0 {
		n, err := unix.Pread(f.reader, p, f.from)
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

// same reports whether what is written to one of the two is also in the other:
// both append to one file, or share a file description.
func (f *fileTail) same(g *fileTail) bool {
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
