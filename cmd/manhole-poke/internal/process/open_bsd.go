//go:build darwin || freebsd

package process

import (
	"os"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"golang.org/x/sys/unix"
)

// A kinfo holds what is needed of the kernel's struct kinfo_proc.
type kinfo struct {
	name    string
	uid     int // effective
	stat    int8
	caught  procfs.SignalSet
	ignored procfs.SignalSet
}

// States of a kinfo, <sys/proc.h>.
const (
	statStopped = 4 // SSTOP
	statZombie  = 5 // SZOMB
)

// Open finds out about a process. It fails if the process cannot be used
// whatever the signal: it does not exist, belongs to another user, does not
// run, or cannot be inspected.
func Open(pid int) (*Process, error) {
	p := unknown(pid)
	allowed := p.Signal(0)
	if allowed == unix.ESRCH {
		return nil, p.SignalError(allowed)
	}
	k, err := kinfoOf(pid)
	if err == nil {
		p.Name, p.UID = k.name, k.uid
	}
	switch {
	case err == nil && k.stat == statZombie:
		return nil, zombie(p)
	case allowed != nil:
		return nil, p.SignalError(allowed)
	case err != nil:
		return nil, exit.Errorf(exit.Denied, "inaccessible", "cannot inspect %s (%v), so it was not signalled; if its socket is open already: manhole-poke PATH", p, err)
	case k.stat == statStopped:
		return nil, stopped(p)
	}
	// Blocked signals are a property of each thread, and not reported for all.
	p.Signals = &Dispositions{Caught: k.caught.Has, Ignored: k.ignored.Has, Blocked: func(int) bool { return false }}
	return p, nil
}

// NameOf returns the name of the process, or "".
func NameOf(pid int) string {
	k, _ := kinfoOf(pid)
	return k.name
}

// Close does nothing here.
func (p *Process) Close() {}

// Signal sends a signal; 0 only checks the permission.
func (p *Process) Signal(sig syscall.Signal) error { return unix.Kill(p.PID, sig) }

// Ring returns ENOSYS: no process on these systems understands a tagged ring.
func (p *Process) Ring(syscall.Signal) error { return unix.ENOSYS }

// Exited reports whether the process is gone or a zombie.
func (p *Process) Exited() bool {
	if p.Signal(0) == unix.ESRCH {
		return true
	}
	k, err := kinfoOf(p.PID)
	return err == nil && k.stat == statZombie
}

// OpensAt reports whether path is the socket that the process advertises. On
// these systems a process advertises none.
func (p *Process) OpensAt(string) (same, known bool) { return false, false }

// NoAnswer returns an error for a process that did not answer in time: what it
// did not do, which the format says, and what that means.
func (p *Process) NoAnswer(reason, format string, args ...any) error {
	return exit.Errorf(exit.Timeout, reason, format+perhapsBusy, args...)
}

// Lstat fails if nothing is at the path.
func Lstat(path string, _ time.Duration) error {
	_, err := os.Lstat(path)
	return err
}

// SamePlace reports whether two paths certainly are the same, at which nothing
// need exist yet.
func SamePlace(a, b string) bool { return samePlace(a, b) }
