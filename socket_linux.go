package lazy

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// usualPaths are where the socket appears unless WithPath says otherwise: the
// first for which there is a directory to write to. The last needs none.
func usualPaths(pid int) []string {
	name := fmt.Sprintf("manhole-%d", pid)
	return []string{"/tmp/" + name, "/dev/shm/" + name, "@" + name}
}

// abstract reports whether path is a name in the abstract namespace of unix(7),
// written as ss and lsof do.
func abstract(path string) bool { return strings.HasPrefix(path, "@") }

// newSocket makes a socket for the doorbell to bind. On Linux bind gives the
// file the mode of the socket's own inode, less the umask (unix_bind_bsd in
// net/unix/af_unix.c), so the fchmod here is what makes it srw-------
// from its first moment.
func newSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	fd = aboveStdio(fd)
	if err := unix.Fchmod(fd, 0o600); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("fchmod of the socket: %w", err)
	}
	return fd, nil
}

func listen(fd int, path string) error {
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	return unix.Listen(fd, backlog)
}

func accept(fd int) (int, error) {
	conn, err := accept4(fd)
	if err != nil {
		return -1, err
	}
	return aboveStdio(conn), nil
}

// newSpare makes the descriptor that is given up when there is no other for a
// peer. Being there anyhow, it tells whoever may read /proc/PID/fd that the
// process is armed, and how: in its name and, for programs, in its content.
func newSpare(sig unix.Signal, path string) (int, error) {
	name := fmt.Sprintf("lazy-armed %s %s", signalName(sig), path)
	// Kernels before 6.3 do not know MFD_NOEXEC_SEAL; later ones may be set
	// to insist on it (sysctl vm.memfd_noexec).
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil {
		// Forbidden (seccomp) or unknown: it is still worth having as a spare.
		return newDumbSpare()
	}
	fd = aboveStdio(fd)
	// The content only informs; without it the descriptor is still a spare.
	unix.Write(fd, fmt.Appendf(nil, "lazy=1\npid=%d\nsignal=%s\nsigno=%d\npath=%s\n", unix.Getpid(), signalName(sig), int(sig), path))
	return fd, nil
}

// vanished reports whether the peer has closed its end, which is more than
// having ended its input: the kernel then says POLLHUP, and POLLRDHUP for the
// latter (unix_poll in net/unix/af_unix.c).
func vanished(fd int) bool {
	p := unix.PollFd{Fd: int32(fd)}
	n, err := poll(&p)
	return err == nil && n == 1 && p.Revents&(unix.POLLHUP|unix.POLLERR) != 0
}
