//go:build unix && !linux

package main

import (
	"errors"
	"net"
	"os"
)

// dial connects to the socket at path and says who listens there.
func dial(path string) (*net.UnixConn, peer, error) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		if st, e := os.Lstat(path); e == nil && nobody(err) && st.Mode()&os.ModeSocket == 0 {
			err = errNotSocket
		}
		return nil, peer{}, err
	}
	raw, err := c.SyscallConn()
	var who peer
	if err == nil {
		var credErr error
		err = raw.Control(func(fd uintptr) { who, credErr = peerOf(int(fd)) })
		err = errors.Join(err, credErr)
	}
	if err != nil {
		c.Close()
		return nil, peer{}, cannotTell(path, err)
	}
	return c, who, nil
}

// dial: a process that has a root directory of its own is seen through ours.
func (p *process) dial(path string) (*net.UnixConn, peer, error) { return dial(path) }

// opensAt: no process here says where it opens its socket.
func (p *process) opensAt(string) (same, known bool) { return false, false }

// withinReach: there is nothing here that would tell.
func (p *process) withinReach(doorbell) error { return nil }

// guesses are where the door may open if nobody says.
func (p *process) guesses() []string { return []string{p.defaultPath()} }

// silent is the failure to get an answer in time.
func (p *process) silent(format string, args ...any) error {
	return failf(statusTimeout, format, args...)
}
