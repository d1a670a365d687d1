package console

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// appended is a regular file that one of the program's descriptors writes to,
// read from where the program was when it was opened.
type appended struct {
	name    string // stdout, stderr
	fd      int    // the program's, which it may close or replace at any time
	own     int    // ours, an open file description of its own if possible
	dev     uint64
	ino     uint64
	appends bool  // O_APPEND
	from    int64 // what is to be read next
}

// openAppended opens the file that fd writes to. Where fd is anything else the
// error says where to look instead.
func openAppended(name string, fd int) (*appended, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("%s is closed", name)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, fmt.Errorf("%s is %s", name, notAFile(fd, &st))
	}
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
	f := &appended{name: name, fd: fd, own: own, appends: flags&unix.O_APPEND != 0}
	if err = unix.Fstat(own, &st); err == nil { // maybe not the file of before
		f.dev, f.ino = uint64(st.Dev), st.Ino
		f.from, err = f.end()
	}
	if err != nil {
		f.close()
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

func (f *appended) close() { unix.Close(f.own) }

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
		return st.Size, fmt.Errorf("the program closed %s or gave it another destination; try tail again", f.name)
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
			return 0, fmt.Errorf("reading what %s wrote: %w", f.name, err)
		}
		f.from += int64(n)
		return n, nil
	}
	return 0, nil
}

// path is where the file is, or was.
func (f *appended) path() string { return link(f.own) }

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

func link(fd int) string {
	target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "a file"
	}
	return printable(target)
}

// notAFile says what fd is and how to see what is written there.
func notAFile(fd int, st *unix.Stat_t) string {
	pid := unix.Getpid()
	strace := fmt.Sprintf("tail shows regular files only, try strace -f -e trace=write -s 9999 -p %d", pid)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO:
		return "a pipe, look where its reader puts it; " + strace
	case unix.S_IFSOCK:
		if os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino) { // systemd.exec(5)
			return fmt.Sprintf("the journal; tail shows regular files only, try journalctl -f _PID=%d", pid)
		}
		return "a socket, look where its peer puts it; " + strace
	case unix.S_IFCHR:
		if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			return "the terminal " + link(fd) + "; " + strace
		}
		return link(fd) + "; " + strace
	}
	return "not a regular file; " + strace
}
