package ring

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/asuser"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/internal/peercred"
	"github.com/go-manhole/lazy/internal/sockpath"
	"golang.org/x/sys/unix"
)

// dial connects to the socket at path, as seen from here, and returns who
// listens there.
func dial(path string, limit time.Duration) (*net.UnixConn, peercred.Cred, error) {
	return dialFile(nil, path, limit)
}

// dialAsSeenBy connects to the socket at path, as the process sees it: in its
// root directory or, if the path begins with an @, in its network namespace.
func dialAsSeenBy(p *process.Process, path string, limit time.Duration) (*net.UnixConn, peercred.Cred, error) {
	if sockpath.IsAbstract(path) {
		return dialAbstract(p, path, &asuser.IDs{UID: p.UID, GID: p.GID})
	}
	return dialFile(p, path, limit)
}

// dialFile connects to a socket file. Its name in /proc leads to that very file,
// whatever becomes of the path, and fits into a socket address, which holds 107
// bytes, however long the path is.
func dialFile(p *process.Process, path string, limit time.Duration) (*net.UnixConn, peercred.Cred, error) {
	f, err := process.OpenSocket(p, path, limit)
	if errors.Is(err, unix.ECONNREFUSED) { // the deputy tried to connect
		return nil, peercred.Cred{}, &obstacle{uid: f.UID}
	}
	if err != nil {
		return nil, peercred.Cred{}, err
	}
	if f.Connected {
		return withListener(f.FD, nil, path)
	}
	defer unix.Close(f.FD)
	if !f.IsSocket() {
		return nil, peercred.Cred{}, &obstacle{f.Kind(), f.UID}
	}
	name := fmt.Sprintf("/proc/self/fd/%d", f.FD)
	as := &asuser.IDs{UID: f.UID, GID: f.GID}
	if p != nil {
		as = &asuser.IDs{UID: p.UID, GID: p.GID}
	} else if _, err := os.Lstat(name); err != nil {
		name = path // without /proc the path has to do
	}
	conn, err := asuser.Connect(as, -1, name)
	if err == unix.ECONNREFUSED {
		err = &obstacle{uid: f.UID}
	}
	return withListener(conn, err, path)
}

// dialAbstract connects to a socket in the abstract namespace, which belongs to
// a network namespace.
func dialAbstract(p *process.Process, name string, as *asuser.IDs) (*net.UnixConn, peercred.Cred, error) {
	ns, err := otherNetwork(p)
	if err != nil {
		return nil, peercred.Cred{}, err
	}
	if ns >= 0 {
		defer unix.Close(ns)
	}
	conn, err := asuser.Connect(as, ns, name)
	if errors.Is(err, asuser.ErrSetns) {
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
