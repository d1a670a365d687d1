package ring

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/asuser"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/internal/peercred"
	"github.com/go-manhole/lazy/internal/sockpath"
	"golang.org/x/sys/unix"
)

// dial connects to the socket at path, as seen from here, and returns who
// listens there.
func dial(path string) (*net.UnixConn, peercred.Cred, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, peercred.Cred{}, err
	}
	return dialFile(fd, path, nil)
}

// dialAsSeenBy connects to the socket at path, as the process sees it: in its
// root directory or, if the path begins with an @, in its network namespace.
func dialAsSeenBy(p *process.Process, path string) (*net.UnixConn, peercred.Cred, error) {
	as := &ids{p.UID, p.GID}
	if sockpath.IsAbstract(path) {
		return dialAbstract(p, path, as)
	}
	root, err := p.OpenRoot()
	if process.IsDenied(err) {
		return dial(path) // its root directory is hidden, and most processes share ours
	}
	if err != nil {
		return nil, peercred.Cred{}, err
	}
	defer unix.Close(root)
	fd, err := process.OpenWithin(root, path)
	if err != nil {
		return nil, peercred.Cred{}, err
	}
	return dialFile(fd, path, as)
}

// dialFile connects to an open socket file, and closes it. The file's name in
// /proc leads to that very file, whatever becomes of the path, and fits into a
// socket address, which holds 107 bytes, however long the path is.
func dialFile(fd int, path string, as *ids) (*net.UnixConn, peercred.Cred, error) {
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, peercred.Cred{}, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, peercred.Cred{}, errNotSocket
	}
	name := fmt.Sprintf("/proc/self/fd/%d", fd)
	if as == nil { // the path is as seen from here
		as = &ids{int(st.Uid), int(st.Gid)}
		if _, err := os.Lstat(name); err != nil {
			name = path // without /proc the path has to do
		}
	}
	conn, err := connectAs(as, -1, name)
	return withListener(conn, err, path)
}

// dialAbstract connects to a socket in the abstract namespace, which belongs to
// a network namespace.
func dialAbstract(p *process.Process, name string, as *ids) (*net.UnixConn, peercred.Cred, error) {
	ns, err := otherNetwork(p)
	if err != nil {
		return nil, peercred.Cred{}, err
	}
	if ns >= 0 {
		defer unix.Close(ns)
	}
	conn, err := connectAs(as, ns, name)
	if errors.Is(err, errSetns) {
		return nil, peercred.Cred{}, exit.Errorf(exit.Denied, "other-network", "%s listens at %s in another network namespace, which uid %d may not enter (%v); try as root", p, name, os.Geteuid(), err)
	}
	return withListener(conn, err, name)
}

// otherNetwork opens the process's network namespace. It returns -1 if that is
// ours or hidden.
func otherNetwork(p *process.Process) (int, error) {
	var ours, theirs unix.Stat_t
	if unix.Stat("/proc/thread-self/ns/net", &ours) != nil {
		return -1, nil
	}
	fd, err := p.OpenProc("ns/net", unix.O_RDONLY)
	if process.IsDenied(err) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	if err := unix.Fstat(fd, &theirs); err != nil || theirs.Ino == ours.Ino && theirs.Dev == ours.Dev {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// ids are the user and group IDs to connect with.
type ids struct{ uid, gid int }

var errSetns = errors.New("setns")

// connectAs connects from the network namespace netns, unless that is -1. Root
// takes on the IDs for it: SO_PEERCRED holds those of the connecting thread, so
// the rules for the process's own user apply, also in a user namespace, where
// the host's root is nobody.
func connectAs(as *ids, netns int, name string) (int, error) {
	if os.Geteuid() != 0 || as.uid <= 0 {
		return connectFrom(nil, netns, name)
	}
	fd, err := connectFrom(as, netns, name)
	// Root without the capabilities, or a user namespace into which the
	// process's user is not mapped.
	if errors.Is(err, asuser.ErrIDs) || errors.Is(err, unix.EACCES) {
		return connectFrom(nil, netns, name)
	}
	return fd, err
}

func connectFrom(as *ids, netns int, name string) (fd int, err error) {
	call := func() {
		if netns >= 0 {
			if err = unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
				err = fmt.Errorf("%w: %w", errSetns, err)
				return
			}
		}
		// Made here because a socket belongs to the network namespace of the
		// thread that makes it.
		if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
			return
		}
		if as != nil {
			err = asuser.TakeOn(as.uid, as.gid)
		}
		if err == nil {
			err = unix.Connect(fd, &unix.SockaddrUnix{Name: name})
		}
		if err != nil {
			unix.Close(fd)
		}
	}
	if as == nil && netns < 0 {
		call()
	} else {
		asuser.OnThread(call)
	}
	return fd, err
}

// withListener makes a connection of the socket and asks who listens there.
func withListener(fd int, err error, path string) (*net.UnixConn, peercred.Cred, error) {
	if err != nil {
		return nil, peercred.Cred{}, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	listener, err := peercred.Of(fd)
	if err != nil {
		return nil, peercred.Cred{}, listenerUnknown(path, err)
	}
	c, err := net.FileConn(f)
	if err != nil {
		return nil, peercred.Cred{}, err
	}
	return c.(*net.UnixConn), listener, nil
}
