//go:build linux || darwin || freebsd

package lazy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// backlog is how many peers may queue between the ring and the moment when Go
// code gets to run, in a saturated process some 10 milliseconds.
const backlog = 64

// aboveStdio moves a descriptor out of 0 to 2, which are free in a daemon that
// closed them and where our socket would get what others write to stdout and
// stderr. If there is no other number left it stays where it is.
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

// newDumbSpare makes a spare descriptor that says nothing of its purpose: a
// socket, which needs no file.
func newDumbSpare() (int, error) {
	fd, err := newSocket()
	if err != nil {
		return -1, fmt.Errorf("a spare descriptor: %w", err)
	}
	return fd, nil
}

func signalName(sig unix.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(sig))
}

// signalForKill is the signal as kill(1) takes it.
func signalForKill(sig unix.Signal) string {
	if name, ok := strings.CutPrefix(unix.SignalName(sig), "SIG"); ok {
		return name
	}
	return strconv.Itoa(int(sig))
}

// choosePath takes the first of the usual paths whose directory the process may
// use. passed is why it is not the very first.
func choosePath() (path string, passed, err error) {
	for _, usual := range usualPaths(os.Getpid()) {
		if !abstract(usual) {
			if err := checkDirectory(filepath.Dir(usual)); err != nil {
				passed = errors.Join(passed, err)
				continue
			}
		}
		path, err = checkPath(usual)
		return path, passed, err
	}
	return "", nil, fmt.Errorf("%w; choose another with WithPath", passed)
}

// checkPath makes sure, as far as that can be known before the ring, that a
// socket can be bound at path, and returns it absolute.
func checkPath(path string) (string, error) {
	isFile := !abstract(path)
	if isFile {
		var err error
		if path, err = filepath.Abs(path); err != nil {
			return "", fmt.Errorf("path %s: %w; give an absolute one with WithPath", path, err)
		}
	}
	// One byte less than the array, for systems that want it terminated.
	if most := len(unix.RawSockaddrUnix{}.Path) - 1; len(path) > most {
		return "", fmt.Errorf("path %s: %d bytes, but a socket address holds %d; choose a shorter one with WithPath", path, len(path), most)
	}
	// Besides, the armed process says its path on one line, and shells and logs
	// show it.
	if strings.ContainsFunc(path, unicode.IsControl) {
		return "", fmt.Errorf("path %q: it has control characters; choose another with WithPath", path)
	}
	if path == "@" {
		return "", errors.New("path @: the name of an abstract socket stands behind the @; give one with WithPath")
	}
	if !isFile {
		return path, nil
	}
	if err := checkDirectory(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("%w; create it or choose another with WithPath", err)
	}
	// A socket may be what a process of this pid left behind when it was
	// killed; the ring sees to that.
	if fi, err := os.Lstat(path); err == nil && fi.Mode().Type() != os.ModeSocket {
		return "", fmt.Errorf("%s is in the way and not a socket; remove it or choose another path with WithPath", path)
	}
	return path, nil
}

func checkDirectory(dir string) error {
	if fi, err := os.Stat(dir); err != nil {
		return fmt.Errorf("directory of the socket: %w", err)
	} else if !fi.IsDir() {
		return fmt.Errorf("directory of the socket: %s is not a directory", dir)
	}
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return fmt.Errorf("directory of the socket: %s is not writable for uid %d: %w", dir, os.Geteuid(), err)
	}
	return nil
}

// removeStale removes the socket at path if it is one that a dead process of
// this user left behind. It needs one descriptor.
func removeStale(path string) error {
	if abstract(path) {
		return fmt.Errorf("at %s somebody else listens; choose another path with WithPath", path)
	}
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err == unix.ENOENT {
		return nil
	} else if err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return fmt.Errorf("%s is in the way and not a socket; remove it", path)
	}
	if int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("the socket at %s belongs to uid %d; have it removed, or choose another path with WithPath", path, st.Uid)
	}
	probe, err := newSocket()
	if err != nil {
		return fmt.Errorf("%s exists, and whether anybody answers there can't be tried: %w", path, err)
	}
	defer unix.Close(probe)
	if err := unix.Connect(probe, &unix.SockaddrUnix{Name: path}); !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("at %s somebody else listens (connect: %v); choose another path with WithPath", path, errOK(err))
	}
	return removeSame(path, st)
}

func errOK(err error) any {
	if err == nil {
		return "accepted"
	}
	return err
}

// ownSocket looks at the file that the socket was bound to. That it is a socket
// of this user is all that can be known, because bind does not tell what it made.
func ownSocket(path string) (unix.Stat_t, error) {
	var st unix.Stat_t
	if abstract(path) {
		return st, nil // there is none
	}
	if err := unix.Lstat(path, &st); err != nil {
		return st, fmt.Errorf("%s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK || int(st.Uid) != os.Geteuid() {
		return st, fmt.Errorf("%s is not the file that was bound; left alone", path)
	}
	return st, nil
}

// removeOwn removes the file that the socket was just bound to.
func removeOwn(path string) error {
	st, err := ownSocket(path)
	if errors.Is(err, unix.ENOENT) {
		return nil
	} else if err != nil {
		return err
	}
	return removeSame(path, st)
}

// there reports whether path still names the file that st was read from.
func there(path string, st unix.Stat_t) bool {
	var now unix.Stat_t
	return abstract(path) || unix.Lstat(path, &now) == nil && now.Dev == st.Dev && now.Ino == st.Ino
}

// removeSame removes the file at path if it is still the one that st was read
// from.
func removeSame(path string, st unix.Stat_t) error {
	var now unix.Stat_t
	if err := unix.Lstat(path, &now); abstract(path) || err == unix.ENOENT {
		return nil
	} else if err != nil {
		return err
	}
	if now.Dev != st.Dev || now.Ino != st.Ino {
		return fmt.Errorf("%s is not the file that was bound; left alone", path)
	}
	return unix.Unlink(path)
}

// bound reports whether bind succeeded on the socket.
func bound(sock int) bool {
	sa, err := unix.Getsockname(sock)
	un, ok := sa.(*unix.SockaddrUnix)
	// A socket without a name comes back as an empty abstract one.
	return err == nil && ok && un.Name != "" && un.Name != "@"
}
