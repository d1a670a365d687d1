//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A peer is who listens, according to the kernel. A pid of 0 is that of a
// process in a pid namespace that is not seen from here.
type peer struct{ pid, uid int }

func cannotTell(path string, err error) error {
	return failf(statusUnsupported, "cannot tell who listens at %s (%v), so nothing was said to it; try nc -U %s if you trust it", path, err, path)
}

// errNotSocket also says that nobody listens.
var errNotSocket = fmt.Errorf("not a socket: %w", unix.ECONNREFUSED)

// Nobody listens yet, or not any more.
func nobody(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED)
}

// notNow says that another try may succeed: nobody listens yet, or so many
// wait to be accepted that no more fit.
func notNow(err error) bool {
	return nobody(err) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)
}

// dialFailed is the failure for an error after which no further try helps.
func dialFailed(path string, err error) error {
	if f := (*failure)(nil); errors.As(err, &f) {
		return err
	}
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return failf(statusPermission, "no permission to connect to %s as uid %d; try as the process's user, or as root", path, os.Geteuid())
	case errors.Is(err, unix.EPROTOTYPE):
		return failf(statusImpostor, "what stands at %s is a socket of another type, so not a session's; find its owner with ss -xlp or lsof, and remove it", path)
	}
	return failf(statusHere, "cannot connect to %s: %v; check the path", path, err)
}

// meet connects to the process's own socket. That somebody else listens there
// is a failure, and nothing is said to them.
func (p *process) meet(ctx context.Context, d doorbell, timeout time.Duration) (*net.UnixConn, error) {
	paths := []string{d.path}
	if d.guessed {
		paths = p.guesses()
	}
	var worst error
	for _, path := range paths {
		c, err := p.meetAt(ctx, path, d.here, timeout)
		if err == nil {
			return c, nil
		}
		if worst == nil || !notNow(err) {
			worst = err
		}
	}
	return nil, worst
}

func (p *process) meetAt(ctx context.Context, path string, here bool, timeout time.Duration) (*net.UnixConn, error) {
	call := p.dial
	if here {
		call = dial
	}
	type answer struct {
		conn *net.UnixConn
		who  peer
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		c, who, err := call(path)
		answered <- answer{c, who, err}
	}()
	var a answer
	tooLate := func() {
		if a := <-answered; a.err == nil {
			a.conn.Close()
		}
	}
	select {
	case a = <-answered:
	case <-ctx.Done():
		go tooLate()
		return nil, context.Cause(ctx)
	case <-time.After(timeout):
		go tooLate()
		return nil, failf(statusTimeout, "the file system with %s did not answer within %v; try another place with lazy.WithPath", path, timeout)
	}
	switch {
	case notNow(a.err):
		return nil, a.err
	case a.err != nil:
		return nil, dialFailed(path, a.err)
	case a.who.pid == p.pid && (p.uid < 0 || a.who.uid == p.uid):
		return a.conn, nil
	}
	a.conn.Close()
	other := process{pid: a.who.pid}
	if o, err := look(a.who.pid); err == nil {
		other.name = o.name
		o.close()
	}
	return nil, failf(statusImpostor, "%s of uid %d listens at %s, not %s; nothing was said to it: stop it, remove the socket, and try again", &other, a.who.uid, path, p)
}

// await tries to meet until it works or the time is up.
func (p *process) await(ctx context.Context, d doorbell, timeout time.Duration) (*net.UnixConn, error) {
	late := time.NewTimer(timeout)
	defer late.Stop()
	// Short at first: an idle process opens within a millisecond.
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		c, err := p.meet(ctx, d, timeout)
		switch {
		case err == nil:
			return c, nil
		case !notNow(err):
			return nil, err
		case p.exited():
			return nil, failf(statusExited, "%s was rung and exited before it opened %s; its own log may say why", p, d.path)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-late.C:
			if errors.Is(err, errNotSocket) {
				return nil, failf(statusTimeout, "%s was rung, but something that is not a socket stands at %s; look whose it is, remove it, and try again", p, d.path)
			}
			why := "does it call lazy.Arm, with this path and signal?"
			if d.guessed && !p.descriptorsRead {
				why = "does it call lazy.Arm, with this signal? If with a path of its own, which cannot be seen from here: -p PATH."
			}
			return nil, p.silent("%s was rung with %s, but did not open %s within %v; %s Its log may say why; or try a longer -t", p, signalName(d.signal), d.path, timeout, why)
		case <-time.After(pause):
		}
	}
}

// enter opens a session with a process. It rings only if the process does not
// listen already, so that whoever listens in its place is found out first.
func (p *process) enter(ctx context.Context, o options) (*net.UnixConn, error) {
	d, err := p.doorbell(o)
	if err != nil {
		return nil, err
	}
	c, err := p.meet(ctx, d, o.timeout)
	if err == nil || !notNow(err) {
		return c, err
	}
	if err := p.withinReach(d); err != nil {
		return nil, err
	}
	if err := p.signalled(p.signal(d.signal)); err != nil {
		return nil, err
	}
	return p.await(ctx, d, o.timeout)
}

// enterPath opens a session with whoever listens at the path. If nobody does,
// the process whose path it is, is rung.
func enterPath(ctx context.Context, o options, path string) (*process, *net.UnixConn, error) {
	late := time.Now().Add(o.timeout)
	c, who, err := dial(path)
	for errors.Is(err, unix.EAGAIN) && time.Now().Before(late) {
		if err := wait(ctx, 20*time.Millisecond); err != nil {
			return nil, nil, err
		}
		c, who, err = dial(path)
	}
	switch {
	case nobody(err):
		p, err := ownerOf(path)
		if err != nil {
			return nil, nil, err
		}
		if c, err = p.enter(ctx, o); err != nil {
			p.close()
			return nil, nil, err
		}
		return p, c, nil
	case errors.Is(err, unix.EAGAIN):
		return nil, nil, failf(statusTimeout, "nobody accepts connections at %s: too many wait there already; try a longer -t", path)
	case err != nil:
		return nil, nil, dialFailed(path, err)
	}
	// There is no process to compare with, so the name has to do, and that
	// nobody but the caller's own processes would accept the caller anyway.
	p, err := look(who.pid)
	if err != nil {
		p = &process{pid: who.pid, nspid: who.pid, uid: who.uid, handle: -1}
	}
	pid, euid := pidIn(path), os.Geteuid()
	switch {
	// A socket may be reached from where its process is not seen, by a volume
	// that containers share; then there is no pid to compare with the name's.
	case pid != 0 && who.pid != 0 && pid != who.pid && pid != p.nspid:
		err = failf(statusImpostor, "%s of uid %d listens at %s, not process %d; nothing was said to it: stop it, remove the socket, and try manhole-poke %d", p, who.uid, path, pid, pid)
	case euid != 0 && euid != who.uid:
		err = failf(statusPermission, "%s listens at %s and belongs to uid %d, you are uid %d; nothing was said to it; try as that user, or as root", p, path, who.uid, euid)
	case err != nil && statusOf(err) != statusStopped:
		err = nil // it listens, and who it is has been settled
	}
	if err != nil {
		p.close()
		c.Close()
		return nil, nil, err
	}
	return p, c, nil
}

// ownerOf finds the process to ring for a path at which nobody listens: the
// one that it is named after, if it says that the path is its own.
func ownerOf(path string) (*process, error) {
	pid := pidIn(path)
	if pid == 0 {
		return nil, failf(statusNobody, "nobody listens at %s; ring its process: manhole-poke PID", path)
	}
	p, err := look(pid)
	if err != nil {
		return nil, failf(statusNobody, "nobody listens at %s, and its process cannot be rung: %v", path, err)
	}
	if !p.owns(path) {
		p.close()
		return nil, failf(statusNobody, "nobody listens at %s, and %s does not say that the path is its own; try manhole-poke %d", path, p, pid)
	}
	return p, nil
}

// owns says whether the process says that the path is its own. Its directory may
// have another name here, or the process another root directory, of which only
// the PID in the name tells that it is meant.
func (p *process) owns(path string) bool {
	if same, _ := p.opensAt(path); same {
		return true
	}
	abs, err := filepath.Abs(path)
	return err == nil && p.note != nil && p.note.path == abs
}

// pidIn is the pid that a path is named after, or 0.
func pidIn(path string) int {
	digits, ok := strings.CutPrefix(filepath.Base(path), "manhole-")
	if !ok {
		return 0
	}
	pid, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0
	}
	return int(pid)
}
