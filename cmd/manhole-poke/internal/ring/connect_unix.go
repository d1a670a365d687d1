//go:build linux || darwin || freebsd

package ring

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/internal/peercred"
	"github.com/go-manhole/lazy/internal/signame"
	"github.com/go-manhole/lazy/internal/sockpath"
	"golang.org/x/sys/unix"
)

func listenerUnknown(path string, err error) error {
	return exit.Errorf(exit.Unsupported, "listener-unknown", "cannot tell who listens at %s (%v), so nothing was said to it; try nc -U %s if you trust it", path, err, printable.Shell(path))
}

// An obstacle is what lies at a path where nobody listens. It counts as nobody
// listening.
type obstacle struct {
	kind string // "" is a socket
	uid  int    // of its owner; -1 if the system does not say
}

func (o *obstacle) Error() string { return "nobody listens" }
func (o *obstacle) Unwrap() error { return unix.ECONNREFUSED }

// inTheWay describes what keeps the process from opening its socket at its only
// path, or returns "". A process removes a socket of its own user's.
func inTheWay(p *process.Process, e endpoint, err error) string {
	var o *obstacle
	if !errors.As(err, &o) || e.guessed || len(otherUsual(p, e)) > 0 {
		return ""
	}
	owner := ""
	if o.uid >= 0 {
		owner = fmt.Sprintf(" of uid %d", o.uid)
	}
	switch {
	case o.kind != "":
		return o.kind + owner
	case o.uid >= 0 && p.UID >= 0 && o.uid != p.UID:
		return "a socket" + owner + " at which nobody listens"
	}
	return ""
}

// nobodyListens reports that nobody listens yet, or no longer.
func nobodyListens(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED)
}

// mayLater reports that another try may succeed: nobody listens yet, or the
// queue of connections to accept is full.
func mayLater(err error) bool {
	return nobodyListens(err) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)
}

// connectFailed returns the error for an error after which no other try helps.
func connectFailed(path string, err error) error {
	if e := (*exit.Error)(nil); errors.As(err, &e) {
		return err
	}
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return exit.Errorf(exit.Denied, "permission", "no permission to connect to %s as uid %d; try as the process's user, or as root", path, os.Geteuid())
	case errors.Is(err, unix.EPROTOTYPE):
		return exit.Errorf(exit.Denied, "wrong-listener", "%s is a socket of another type, not one of a session; find its owner with ss -xlp or lsof, and remove it", path)
	}
	return exit.Errorf(exit.LocalIO, "connect-failed", "cannot connect to %s: %v; check the path", path, err)
}

// dialFailed is connectFailed, also for a file system that did not answer.
func dialFailed(path string, limit time.Duration, err error) error {
	if exit.ReasonOf(err) == "file-system" {
		return exit.Errorf(exit.Timeout, "file-system", "the file system with %s did not answer within %v; choose another place with lazy.WithPath", path, limit)
	}
	return connectFailed(path, err)
}

// connect connects to the process's own socket. It fails if another process
// listens there, to which nothing is said.
func connect(ctx context.Context, p *process.Process, e endpoint, timeout time.Duration) (*net.UnixConn, error) {
	paths := []string{e.path}
	if e.guessed {
		paths = likelyPaths(p)
	}
	var worst error
	for _, path := range paths {
		c, err := connectAt(ctx, p, path, e.ours, timeout)
		if err == nil {
			return c, nil
		}
		if worst == nil || !mayLater(err) {
			worst = err
		}
	}
	return nil, worst
}

func connectAt(ctx context.Context, p *process.Process, path string, ours bool, timeout time.Duration) (*net.UnixConn, error) {
	call := func() (*net.UnixConn, peercred.Cred, error) { return dialAsSeenBy(p, path, timeout) }
	if ours {
		call = func() (*net.UnixConn, peercred.Cred, error) { return dial(path, timeout) }
	}
	type result struct {
		conn     *net.UnixConn
		listener peercred.Cred
		err      error
	}
	dialled := make(chan result, 1)
	go func() {
		c, listener, err := call()
		dialled <- result{c, listener, err}
	}()
	discard := func() {
		if r := <-dialled; r.err == nil {
			r.conn.Close()
		}
	}
	var r result
	select {
	case r = <-dialled:
	case <-ctx.Done():
		go discard()
		return nil, context.Cause(ctx)
	}
	switch {
	case mayLater(r.err):
		return nil, r.err
	case r.err != nil:
		return nil, dialFailed(path, timeout, r.err)
	case r.listener.PID == p.PID && (p.UID < 0 || r.listener.UID == p.UID):
		return r.conn, nil
	}
	r.conn.Close()
	other := process.Unseen(r.listener.PID, r.listener.UID)
	other.Name = process.NameOf(r.listener.PID)
	if o, err := process.Open(r.listener.PID); err == nil {
		sameNSPid := o.ArmedNote != nil && o.NSPid == p.NSPid && o.ArmedNote.Path == path
		o.Close()
		if sameNSPid {
			return nil, exit.Errorf(exit.Busy, "path-shared", "%s of uid %d has its session at %s, which %s would open as well: both have the PID %d, in containers that share the directory; nothing was said to it: try again when that session has ended, or give one of them another path with lazy.WithPath", other, r.listener.UID, path, p, p.NSPid)
		}
	}
	return nil, exit.Errorf(exit.Denied, "wrong-listener", "%s of uid %d listens at %s, not %s; nothing was said to it: stop it, remove the socket, and try again", other, r.listener.UID, path, p)
}

// otherUsual returns the other paths at which the process may listen because
// its own is taken: it has others only if its own is one of the usual ones.
func otherUsual(p *process.Process, e endpoint) []string {
	usual := sockpath.Usual(p.NSPid)
	i := slices.Index(usual, e.path)
	if i < 0 || e.ours || e.guessed {
		return nil
	}
	return slices.Delete(usual, i, i+1)
}

// await tries to connect until that works or the time is up.
func await(ctx context.Context, p *process.Process, e endpoint, timeout time.Duration) (*net.UnixConn, error) {
	late := time.NewTimer(timeout)
	defer late.Stop()
	// Short at first: an idle process opens within a millisecond.
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		c, err := (*net.UnixConn)(nil), e.taken
		if err == nil {
			c, err = connect(ctx, p, e, timeout)
		}
		// The process takes another path if something is in its way.
		if err != nil && (e.taken != nil || !errors.Is(err, unix.ENOENT)) {
			for _, path := range otherUsual(p, e) {
				if other, err := connectAt(ctx, p, path, false, timeout); err == nil {
					return other, nil
				}
			}
		}
		switch {
		case err == nil:
			return c, nil
		case e.taken == nil && !mayLater(err):
			return nil, err
		case e.taken == nil && inTheWay(p, e, err) != "":
			return nil, exit.Errorf(exit.Denied, "path-taken", "%s was signalled, but cannot open its socket at %s: %s lies there; find out whose it is, remove it, and try again", p, e.path, inTheWay(p, e, err))
		case p.Exited():
			return nil, exit.Errorf(exit.Broken, "exited", "%s was signalled and exited before it opened %s; its own log may say why", p, e.path)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-late.C:
			if e.taken != nil {
				return nil, e.taken
			}
			why := "does it call lazy.Arm, with this path and signal?"
			if e.guessed && !p.DescriptorsRead {
				why = "does it call lazy.Arm, with this signal? Its path cannot be seen from here; if it has one of its own: -p PATH."
			}
			return nil, p.NoAnswer("socket-not-opened", "%s was signalled with %s, but did not open %s within %v; %s Its log may say why", p, signame.Name(e.signal), e.path, timeout, why)
		case <-time.After(pause):
		}
	}
}

// ConnectProcess connects to a process. It sends the signal only if the process
// does not listen already, so that another listener in its place is found out
// first.
func ConnectProcess(ctx context.Context, p *process.Process, o Options) (*net.UnixConn, error) {
	e, err := endpointOf(p, o)
	if err != nil {
		return nil, err
	}
	c, err := connect(ctx, p, e, o.Timeout)
	shared := exit.ReasonOf(err) == "path-shared" && len(otherUsual(p, e)) > 0
	if err == nil || !mayLater(err) && !shared {
		return c, err
	}
	if what := inTheWay(p, e, err); what != "" {
		return nil, exit.Errorf(exit.Denied, "path-taken", "%s cannot open its socket at %s, so it was not signalled: %s lies there; find out whose it is, remove it, and try again", p, e.path, what)
	}
	if shared {
		e.taken = err
	}
	if err := checkReachable(p, e); err != nil {
		return nil, err
	}
	if err := send(p, e.signal); err != nil {
		return nil, err
	}
	return await(ctx, p, e, o.Timeout)
}

// connectPath connects to whoever listens at the path. If nobody does, the
// process whose socket it is gets the signal.
func connectPath(ctx context.Context, o Options, path string) (*process.Process, *net.UnixConn, error) {
	late := time.Now().Add(o.Timeout)
	c, listener, err := dial(path, o.Timeout)
	for errors.Is(err, unix.EAGAIN) && time.Now().Before(late) {
		if err := Sleep(ctx, 20*time.Millisecond); err != nil {
			return nil, nil, err
		}
		c, listener, err = dial(path, o.Timeout)
	}
	switch {
	case nobodyListens(err):
		p, err := ownerOf(path)
		if err != nil {
			return nil, nil, err
		}
		if c, err = ConnectProcess(ctx, p, o); err != nil {
			p.Close()
			return nil, nil, err
		}
		return p, c, nil
	case errors.Is(err, unix.EAGAIN):
		return nil, nil, exit.Errorf(exit.Timeout, "not-accepted", "nobody accepts connections at %s: its queue is full; try a longer -t", path)
	case err != nil:
		return nil, nil, dialFailed(path, o.Timeout, err)
	}
	p, err := verifyListener(path, listener)
	if err != nil {
		p.Close()
		c.Close()
		return nil, nil, err
	}
	return p, c, nil
}

// verifyListener checks who listens at a path. There is no process to compare
// with, so the PID in the name has to do, and that only processes of the
// caller's own would accept the caller anyway. The process is open also with an
// error.
func verifyListener(path string, listener peercred.Cred) (*process.Process, error) {
	p, err := process.Open(listener.PID)
	if err != nil {
		p = process.Unseen(listener.PID, listener.UID)
	}
	pid, euid := sockpath.PID(path), os.Geteuid()
	switch {
	// A volume that containers share may hold the socket of a process that is
	// not visible here; then there is no PID to compare with the name's.
	case pid != 0 && pid != listener.PID && !isMeant(p, pid, path):
		return p, exit.Errorf(exit.Denied, "wrong-listener", "%s of uid %d listens at %s, not process %d; nothing was said to it: stop it, remove the socket, and try manhole-poke %d", p, listener.UID, path, pid, pid)
	case euid != 0 && euid != listener.UID:
		return p, exit.Errorf(exit.Denied, "permission", "%s listens at %s and belongs to uid %d, you are uid %d; nothing was said to it; try as that user, or as root", p, path, listener.UID, euid)
	case exit.StatusOf(err) == exit.Timeout: // it is stopped, traced or frozen
		return p, err
	}
	return p, nil // it listens, and who it is has been settled
}

// isMeant reports whether a process with another PID than the one in the name
// of the path may be meant: pid is its own idea of its PID, in a pid namespace,
// and it says that the path is its own. Anybody can make a pid namespace with any
// PID in it, so it is not meant if a process that has the PID here says that the
// path is its.
func isMeant(p *process.Process, pid int, path string) bool {
	if other, err := process.Open(pid); err == nil {
		same, _ := other.OpensAt(path)
		other.Close()
		if same {
			return false
		}
	}
	if p.PID == 0 {
		return true // not visible here, so the name says nothing about it
	}
	same, known := p.OpensAt(path)
	if !known {
		return pid == p.NSPid && !(p.DescriptorsRead && p.ArmedNote == nil)
	}
	return pid == p.NSPid && same
}

// ownerOf opens the process to signal for a path at which nobody listens: the
// one with the PID in its name, if it advertises that path.
func ownerOf(path string) (*process.Process, error) {
	pid := sockpath.PID(path)
	if pid == 0 {
		return nil, exit.Errorf(exit.NotFound, "nobody-listens", "nobody listens at %s; give the process instead: manhole-poke PID", path)
	}
	p, err := process.Open(pid)
	if err != nil {
		return nil, exit.Errorf(exit.NotFound, "nobody-listens", "nobody listens at %s, and its process cannot be signalled: %v", path, err)
	}
	if !advertises(p, path) {
		p.Close()
		return nil, exit.Errorf(exit.NotFound, "nobody-listens", "nobody listens at %s, and %s does not advertise that path; try manhole-poke %d", path, p, pid)
	}
	return p, nil
}

// advertises reports whether the process says that the path is its own. Its
// directory may have another name here; or the process has another root
// directory, and only the PID in the name tells that it is meant.
func advertises(p *process.Process, path string) bool {
	if same, _ := p.OpensAt(path); same {
		return true
	}
	abs, err := filepath.Abs(path)
	return err == nil && p.ArmedNote != nil && p.ArmedNote.Path == abs
}
