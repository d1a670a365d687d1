//go:build darwin || freebsd

package ring

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/internal/peercred"
	"github.com/go-manhole/lazy/internal/sockpath"
)

// dial connects to the socket at path and returns who listens there.
func dial(path string, _ time.Duration) (*net.UnixConn, peercred.Cred, error) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		if st, e := os.Lstat(path); e == nil && nobodyListens(err) && st.Mode()&os.ModeSocket == 0 {
			err = &obstacle{"something that is not a socket", -1}
		}
		return nil, peercred.Cred{}, err
	}
	raw, err := c.SyscallConn()
	var listener peercred.Cred
	if err == nil {
		var credErr error
		err = raw.Control(func(fd uintptr) { listener, credErr = peercred.Of(int(fd)) })
		err = errors.Join(err, credErr)
	}
	if err == nil && listener.PID == 0 {
		err = errors.New("the kernel does not report its PID; FreeBSD does since 13")
	}
	if err != nil {
		c.Close()
		return nil, peercred.Cred{}, listenerUnknown(path, err)
	}
	return c, listener, nil
}

// dialAsSeenBy is dial: a process that has another root directory is looked for
// in ours.
func dialAsSeenBy(_ *process.Process, path string, limit time.Duration) (*net.UnixConn, peercred.Cred, error) {
	return dial(path, limit)
}

// checkReachable succeeds: nothing here would show that the socket cannot be
// reached.
func checkReachable(*process.Process, endpoint) error { return nil }

// likelyPaths returns where the socket may appear if nobody says.
func likelyPaths(p *process.Process) []string { return sockpath.Usual(p.NSPid) }
