package sockfile

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/go-manhole/lazy/internal/armednote"
	"github.com/go-manhole/lazy/internal/signame"
	"github.com/go-manhole/lazy/internal/sockpath"
	"golang.org/x/sys/unix"
)

// abstract reports whether path is a name in the abstract namespace.
func abstract(path string) bool { return sockpath.IsAbstract(path) }

// newSocket sets the mode of the socket before it is bound: bind gives the file
// the mode of the socket's inode, less the umask (unix_bind_bsd in
// net/unix/af_unix.c), so the file is srw------- from its first moment.
func newSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	fd = aboveStdio(fd)
	if err := unix.Fchmod(fd, 0o600); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("fchmod: %w", err)
	}
	return fd, nil
}

// Listen binds the socket to path and listens. Only this user can connect.
func Listen(fd int, path string) error {
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	return unix.Listen(fd, Backlog)
}

// Accept returns the next connection, non-blocking and closed on exec, or EAGAIN.
func Accept(fd int) (int, error) {
	conn, err := accept4(fd)
	if err != nil {
		return -1, err
	}
	return aboveStdio(conn), nil
}

// NewSpare makes the descriptor that is given up when there is none left for a
// client. Until then it is a memfd that tells users who may read /proc/PID/fd
// that this process is armed, see package armednote. With ErrNotVisible it is
// a spare and no more.
func NewSpare(note armednote.Note) (fd int, err error) {
	sig := signame.Name(syscall.Signal(note.Signal))
	name := note.Name(sig)
	// Kernels before 6.3 do not know MFD_NOEXEC_SEAL; later ones may be set
	// to insist on it (sysctl vm.memfd_noexec).
	fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil && !Exhausted(err) {
		// Forbidden (seccomp) or unknown.
		if fd, err2 := newPlainSpare(); err2 == nil {
			return fd, fmt.Errorf("%w: memfd_create: %w", ErrNotVisible, err)
		}
	}
	if err != nil {
		return -1, fmt.Errorf("a spare descriptor: %w", err)
	}
	fd = aboveStdio(fd)
	// Without its content the descriptor is still a spare.
	unix.Write(fd, note.Text(sig))
	return fd, nil
}
