package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-manhole/lazy/internal/sockpath"
	"golang.org/x/sys/unix"
)

// OpenRoot opens the process's root directory, for use with [OpenWithin].
func (p *Process) OpenRoot() (fd int, err error) {
	return p.OpenProc("root", unix.O_PATH|unix.O_DIRECTORY)
}

// OpenWithin opens path below root with O_PATH, without touching what is
// there. In a container somebody else decides what names mean: no symlink of
// theirs, absolute, upwards or in /proc, leads out of root, and the last name
// is not followed at all, since bind(2) makes a socket, never a symlink to one.
func OpenWithin(root int, path string) (int, error) {
	fd, err := unix.Openat2(root, path, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	// Linux before 5.6, and sandboxes that do not know the call.
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return openWithinSlowly(root, path)
	}
	return fd, err
}

// openWithinSlowly is OpenWithin for old systems, where an absolute symlink is
// an error.
func openWithinSlowly(root int, path string) (int, error) {
	r, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", root))
	if err != nil {
		return -1, err
	}
	defer r.Close()
	f, err := r.OpenFile(strings.TrimLeft(path, "/"), unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, err
	}
	defer f.Close()
	return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
}

// OpensAt reports whether path, as seen from here, is the socket that the
// process advertises, and whether that can be known. The socket need not exist
// yet, so the directories are compared, by device and inode: the same one may
// have other names here, through symlinks, mounts, or /proc/PID/root.
func (p *Process) OpensAt(path string) (same, known bool) {
	if p.ArmedNote == nil {
		return false, false
	}
	advertised := p.ArmedNote.Path
	if sockpath.IsAbstract(path) || sockpath.IsAbstract(advertised) {
		return path == advertised, true
	}
	r, _, err := p.ask(question{Do: "place", Path: absolute(path), Advertised: advertised}, viewTime)
	return r.Same && err == nil, r.Known && err == nil
}

// opensAt is OpensAt in the deputy.
func (p *Process) opensAt(path, advertised string) (same, known bool) {
	if _, err := os.Readlink(path); err == nil {
		return false, false // its target need not exist yet either
	}
	root, err := p.OpenRoot()
	if err != nil {
		return false, false
	}
	defer unix.Close(root)
	fd, err := OpenWithin(root, filepath.Dir(advertised)+"/.") // the directory, not a symlink to it
	if err != nil {
		return false, false
	}
	defer unix.Close(fd)
	var theirs, ours unix.Stat_t
	if err := unix.Fstat(fd, &theirs); err != nil {
		return false, false
	}
	switch err := unix.Stat(filepath.Dir(path), &ours); {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return false, true
	case err != nil:
		return false, false
	}
	return ours.Dev == theirs.Dev && ours.Ino == theirs.Ino && filepath.Base(path) == filepath.Base(advertised), true
}
