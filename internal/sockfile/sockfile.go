//go:build linux || darwin || freebsd

// Package sockfile makes the socket that a ring opens and takes care of its
// file: where it may be, whether what is there is ours, and its removal.
package sockfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Backlog is how many clients may queue between the ring and the moment when Go
// code gets to run, in a saturated process some 10 milliseconds.
const Backlog = 64

// New makes a socket that Listen can bind: non-blocking, closed on exec, not in
// the place of a standard stream.
func New() (fd int, err error) {
	if fd, err = newSocket(); err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	return fd, nil
}

// ErrNotVisible is the error of NewSpare for a descriptor that does not show that
// the process is armed.
var ErrNotVisible = errors.New("from outside it cannot be seen that this process is armed")

// Bound reports whether the socket has an address.
func Bound(fd int) bool {
	sa, err := syscall.Getsockname(fd) // unix.Getsockname knows more, and is 30 kB larger
	un, ok := sa.(*syscall.SockaddrUnix)
	// A socket without a name comes back as an empty abstract one.
	return err == nil && ok && un.Name != "" && un.Name != "@"
}

// Exhausted reports whether err says that there are no descriptors left.
func Exhausted(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)
}

// aboveStdio moves a descriptor out of 0 to 2. They are free in a daemon that
// closed them, and a socket there would get what is written to stdout and
// stderr. If there is no other number left, the descriptor stays.
func aboveStdio(fd int) int {
	if fd > 2 {
		return fd
	}
	moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return fd
	}
	unix.Close(fd)
	return moved
}

// newPlainSpare makes a spare descriptor that says nothing of its purpose: a
// socket, which needs no file.
func newPlainSpare() (int, error) {
	fd, err := New()
	if err != nil {
		return -1, fmt.Errorf("a spare descriptor: %w", err)
	}
	return fd, nil
}

// A File is the file of a bound socket, or the abstract name, which has none.
type File struct {
	path string
	st   unix.Stat_t // unused if the name is abstract
}

// Stat returns what path names, now that a socket was bound to it, and gives it
// the mode 0600. It checks that it is a socket of this user.
func Stat(path string) (File, error) {
	f := File{path: path}
	if abstract(path) {
		return f, nil
	}
	if err := unix.Lstat(path, &f.st); err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	if f.st.Mode&unix.S_IFMT != unix.S_IFSOCK || int(f.st.Uid) != os.Geteuid() {
		return f, errReplaced(path)
	}
	return f, ownMode(path, &f.st)
}

// Path returns the path.
func (f File) Path() string { return f.path }

// InPlace reports whether the path still names the file.
func (f File) InPlace() bool {
	var now unix.Stat_t
	return abstract(f.path) || unix.Lstat(f.path, &now) == nil && now.Dev == f.st.Dev && now.Ino == f.st.Ino
}

// Remove removes the file. It fails if the path names another one by now.
func (f File) Remove() error {
	var now unix.Stat_t
	if abstract(f.path) {
		return nil
	}
	if err := unix.Lstat(f.path, &now); err == unix.ENOENT {
		return nil
	} else if err != nil {
		return err
	}
	if now.Dev != f.st.Dev || now.Ino != f.st.Ino {
		return errReplaced(f.path)
	}
	return unix.Unlink(f.path)
}

func errReplaced(path string) error {
	return fmt.Errorf("%s is not the file that was bound; left alone", path)
}

// RemoveBound removes the file that a socket was bound to at path, if it is
// there.
func RemoveBound(path string) error {
	f, err := Stat(path)
	if errors.Is(err, unix.ENOENT) {
		return nil
	} else if err != nil {
		return err
	}
	return f.Remove()
}

// RemoveStale removes the socket at path if a dead process of this user left it
// there. It needs one descriptor.
func RemoveStale(path string) error {
	if abstract(path) {
		return fmt.Errorf("another process listens at %s; choose another path with WithPath", path)
	}
	stale := File{path: path}
	if err := unix.Lstat(path, &stale.st); err == unix.ENOENT {
		return nil
	} else if err != nil {
		return err
	}
	if stale.st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return fmt.Errorf("%s exists and is not a socket; remove it", path)
	}
	if int(stale.st.Uid) != os.Geteuid() {
		return fmt.Errorf("the socket at %s belongs to uid %d; have it removed, or choose another path with WithPath", path, stale.st.Uid)
	}
	probe, err := New()
	if err != nil {
		return fmt.Errorf("%s exists, and there is no way to try whether a process listens there: %w", path, err)
	}
	defer unix.Close(probe)
	switch err := unix.Connect(probe, &unix.SockaddrUnix{Name: path}); {
	case err == nil:
		return fmt.Errorf("another process listens at %s; choose another path with WithPath", path)
	case !errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("another process may listen at %s (connect: %w); choose another path with WithPath", path, err)
	}
	return stale.Remove()
}
