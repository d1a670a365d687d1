//go:build linux || darwin || freebsd

package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/internal/armednote"
	"golang.org/x/sys/unix"
)

// A Process holds what could be found out about a process without disturbing
// it. Its methods are safe for concurrent use, except Close.
type Process struct {
	PID   int    // 0 if the process is not visible from here (another pid namespace)
	NSPid int    // its own idea of its PID; PID unless it runs in a pid namespace
	Name  string // "" if the system does not say
	UID   int    // effective; -1 if the system does not say
	GID   int    // likewise

	Signals *Dispositions // nil if the system does not say

	// DescriptorsRead reports that all descriptors were seen, so that a nil
	// ArmedNote means that there is none.
	DescriptorsRead bool
	ArmedNote       *armednote.Note
	ArmedNoteErr    error // why the last note seen was of no use

	// Build reads how the program was built. It returns nil if that is hidden,
	// and an error if the program is not a Go program. Build is nil if the
	// system does not say.
	Build func() (*Build, error)

	handle int // a pidfd, which keeps the PID from being reused; -1 if there is none
}

// Dispositions report what a process does with a signal.
type Dispositions struct {
	Caught  func(int) bool
	Ignored func(int) bool
	Blocked func(int) bool // by every thread

	// Notified reports whether the program is notified of the signal by
	// os/signal. nil if the system does not say.
	Notified func(int) bool
}

func unknown(pid int) *Process {
	return &Process{PID: pid, NSPid: pid, UID: -1, GID: -1, handle: -1}
}

// Unseen returns a Process for a listener that cannot be opened, with only the
// credentials that the kernel gave.
func Unseen(pid, uid int) *Process {
	p := unknown(pid)
	p.UID = uid
	return p
}

func (p *Process) String() string {
	switch {
	case p.PID == 0:
		return "a process not visible from here"
	case p.Name == "":
		return "process " + strconv.Itoa(p.PID)
	}
	return fmt.Sprintf("process %d (%s)", p.PID, p.Name)
}

func (p *Process) owner() string {
	if p.UID < 0 {
		return "another user"
	}
	return "uid " + strconv.Itoa(p.UID)
}

// SignalError explains an error of [Process.Signal]. It returns nil for nil.
func (p *Process) SignalError(err error) error {
	switch {
	case err == nil:
		return nil
	case err == unix.ESRCH:
		return exit.Errorf(exit.NotFound, "no-such-process", "there is no process %d; list the Go processes with manhole-poke", p.PID)
	case err != unix.EPERM:
		return exit.Errorf(exit.LocalIO, "signal-failed", "cannot signal %s: %v", p, err)
	case p.UID == os.Geteuid():
		return exit.Errorf(exit.Denied, "permission", "%s runs as uid %d like you, but the kernel protects it from you (a setuid program, another user namespace, a security module); try as root", p, p.UID)
	case os.Geteuid() == 0:
		return exit.Errorf(exit.Denied, "permission", "%s belongs to %s, and root here may not signal it, as in a user namespace; try as root of the host", p, p.owner())
	}
	return exit.Errorf(exit.Denied, "permission", "%s belongs to %s and you are uid %d; try as that user, or as root", p, p.owner(), os.Geteuid())
}

// Signallable reports whether this user may signal the process.
func Signallable(pid int) bool { return unknown(pid).Signal(0) == nil }

func zombie(p *Process) error {
	return exit.Errorf(exit.NotFound, "zombie", "%s is a zombie: it has exited, and its parent has not waited for it yet", p)
}

func stopped(p *Process) error {
	return exit.Errorf(exit.Timeout, "stopped", "%s is stopped and would not answer; try kill -CONT %d first", p, p.PID)
}

// perhapsBusy is what an error of NoAnswer says if waiting may help.
const perhapsBusy = "; it may be too busy: try a longer -t"

// samePlace is SamePlace, for as long as that may take.
func samePlace(a, b string) bool {
	inA, err := os.Stat(filepath.Dir(a))
	if err != nil {
		return false
	}
	inB, err := os.Stat(filepath.Dir(b))
	return err == nil && os.SameFile(inA, inB) && filepath.Base(a) == filepath.Base(b)
}
