//go:build darwin || (freebsd && (amd64 || arm64 || riscv64))

package main

import (
	"syscall"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"golang.org/x/sys/unix"
)

// A kinfo is what matters here of what the kernel tells of a process.
type kinfo struct {
	name    string
	uid     int // effective
	stat    int8
	caught  procfs.SignalSet
	ignored procfs.SignalSet
}

// The states of a kinfo, <sys/proc.h>.
const (
	statStopped = 4 // SSTOP
	statZombie  = 5 // SZOMB
)

// look finds out about a process and fails if it cannot be rung whatever the
// signal: it does not exist, is not ours, does not run, or cannot be seen.
func look(pid int) (*process, error) {
	p := &process{pid: pid, nspid: pid, uid: -1, handle: -1}
	allowed := p.signal(0)
	if allowed == unix.ESRCH {
		return nil, p.signalled(allowed)
	}
	k, err := kinfoOf(pid)
	if err == nil {
		p.name, p.uid = k.name, k.uid
	}
	switch {
	case err == nil && k.stat == statZombie:
		return nil, failf(statusZombie, "%s is a zombie: it is dead, and only its parent has yet to notice", p)
	case allowed != nil:
		return nil, p.signalled(allowed)
	case err != nil:
		return nil, failf(statusUnlooked, "%s cannot be looked at (%v), so it was not rung; if it is armed for sure: kill -USR2 %d, then manhole-poke PATH", p, err, pid)
	case k.stat == statStopped:
		return nil, failf(statusStopped, "%s is stopped and would not answer; try kill -CONT %d first", p, pid)
	}
	// What is blocked is a matter of the threads, and not told for all.
	p.signals = &dispositions{k.caught.Has, k.ignored.Has, func(int) bool { return false }}
	return p, nil
}

// nameOf is what the process calls itself, or "".
func nameOf(pid int) string {
	k, _ := kinfoOf(pid)
	return k.name
}

func (p *process) close() {}

func (p *process) signal(sig syscall.Signal) error { return unix.Kill(p.pid, sig) }

// exited also counts a zombie.
func (p *process) exited() bool {
	if p.signal(0) == unix.ESRCH {
		return true
	}
	k, err := kinfoOf(p.pid)
	return err == nil && k.stat == statZombie
}
