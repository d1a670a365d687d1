//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// armedName is how the name of the descriptor starts that an armed process
// holds; its content is an armedNote.
const armedName = "lazy-armed"

// A process is what could be found out about one without disturbing it.
type process struct {
	pid   int
	nspid int    // its own idea of its pid; pid unless it runs in a pid namespace
	name  string // "" if the system does not tell
	uid   int    // effective; -1 if the system does not tell
	gid   int    // likewise

	// signals is nil if the system does not tell.
	signals *dispositions

	// descriptorsRead says that a nil note means: there is none.
	descriptorsRead bool
	note            *armedNote
	noteErr         error // why the last one seen was no use

	// build reads how the program was built, nil if that is hidden, and fails
	// if it is none of Go's. It is nil itself if the system does not tell.
	build func() (*debug.BuildInfo, error)

	handle int // what keeps the pid from being somebody else's; -1 if nothing does
}

// dispositions say what a process does about a signal.
type dispositions struct {
	caught  func(int) bool
	ignored func(int) bool
	blocked func(int) bool // by every thread
}

func (p *process) String() string {
	if p.pid == 0 {
		return "a process not seen from here"
	}
	if p.name == "" {
		return "process " + strconv.Itoa(p.pid)
	}
	return fmt.Sprintf("process %d (%s)", p.pid, p.name)
}

func (p *process) owner() string {
	if p.uid < 0 {
		return "somebody else"
	}
	return "uid " + strconv.Itoa(p.uid)
}

// signalled reports what comes of sending a signal, 0 being only a try.
func (p *process) signalled(err error) error {
	switch err {
	case nil:
		return nil
	case unix.ESRCH:
		return failf(statusNoProcess, "there is no process %d; try pgrep -a NAME", p.pid)
	case unix.EPERM:
		if p.uid == os.Geteuid() {
			return failf(statusPermission, "%s runs as uid %d like you, but was started by somebody else or is kept from you (a setuid program, another user namespace, a security module); try as root", p, p.uid)
		}
		if os.Geteuid() == 0 {
			return failf(statusPermission, "%s belongs to %s, and root here may not signal it, as in a user namespace; try as root of the host", p, p.owner())
		}
		return failf(statusPermission, "%s belongs to %s and you are uid %d; try as that user, or as root", p, p.owner(), os.Geteuid())
	}
	return failf(statusHere, "%s cannot be signalled: %v", p, err)
}

// A doorbell is what to ring and where the door opens.
type doorbell struct {
	signal  syscall.Signal
	path    string
	here    bool // the path is as seen from here, not as the process sees it
	guessed bool // nobody said what the path is
}

func (p *process) defaultPath() string {
	return filepath.Join("/tmp", "manhole-"+strconv.Itoa(p.nspid))
}

// doorbell settles both from the flags and from what the process says of
// itself. It fails rather than let a signal go to a process that would die of
// it, or to one that never said that the signal is its doorbell: a Go program
// catches every signal, armed or not, and other programs catch SIGUSR2 for
// purposes of their own.
func (p *process) doorbell(o options) (doorbell, error) {
	d := doorbell{signal: unix.SIGUSR2, path: p.defaultPath(), guessed: true}
	if p.note != nil {
		d = doorbell{signal: syscall.Signal(p.note.signal), path: p.note.path}
	}
	if o.path != "" {
		if same, known := p.opensAt(o.path); known && !same {
			return d, failf(statusOtherPath, "%s is armed for %s, not for what is %s here, so it was not rung; try without -p", p, p.note.path, o.path)
		}
		d.path, d.guessed = o.path, false
		d.here = !strings.HasPrefix(o.path, "@")
	}
	if o.signal != "" {
		sig, err := parseSignal(o.signal)
		if err != nil {
			return d, err
		}
		if p.note != nil && sig != d.signal {
			return d, failf(statusOtherSignal, "%s is armed for %s, not for %s; try without -s", p, signalName(d.signal), signalName(sig))
		}
		d.signal = sig
	} else if p.note == nil && p.noteErr == nil {
		if err := p.withLazy(); err != nil {
			return d, err
		}
	}
	if s, n := p.signals, int(d.signal); s != nil {
		switch {
		case s.ignored(n):
			return d, failf(statusUncaught, "%s ignores %s, so it was not rung; is lazy.Arm called in it, and nothing that ignores the signal?", p, signalName(d.signal))
		case !s.caught(n):
			return d, failf(statusUncaught, "%s does not catch %s and %s, so it was not rung; is this the right pid, and is lazy.Arm called in it?", p, signalName(d.signal), fate(d.signal))
		case s.blocked(n):
			return d, failf(statusUncaught, "%s blocks %s in every thread and would not notice, so it was not rung; is this the right pid?", p, signalName(d.signal))
		}
	}
	switch {
	case p.noteErr != nil && p.note == nil && o.signal == "":
		return d, failf(statusUnarmed, "%s holds a descriptor %s that cannot be understood (%v), so it was not rung; try a newer manhole-poke, or -s %s if it is armed", p, armedName, p.noteErr, signalName(d.signal))
	case p.descriptorsRead && p.note == nil && o.signal == "":
		return d, failf(statusUnarmed, "%s does not look armed (no descriptor %s), so it was not rung; is lazy.Arm called in it? (While somebody has a session and its descriptors are exhausted, it can't say that it is armed.) If it is armed all the same: -s %s", p, armedName, signalName(d.signal))
	}
	return d, nil
}

// withLazy fails if the executable tells that the process cannot be armed.
func (p *process) withLazy() error {
	if p.build == nil {
		return nil
	}
	b, err := p.build()
	if err != nil {
		return failf(statusNotGo, "%s is not a Go program, so it was not rung; is this the right pid? manhole-poke alone lists those that are", p)
	}
	if b == nil {
		return nil
	}
	if version := lazyVersion(b); version == nil || *version != "" {
		return nil
	}
	return failf(statusWithoutLazy, "%s is a Go program (%s, %s) that lazy is not linked into, so it was not rung; until it calls lazy.Arm: dlv attach %d, or kill -QUIT %d, which prints its stacks and ends it", p, b.GoVersion, b.Path, p.pid, p.pid)
}

// fate is what a signal that is not caught does to a process, signal(7).
func fate(sig syscall.Signal) string {
	switch sig {
	case unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGCONT:
		return "would not notice it"
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return "would be stopped by it"
	}
	return "would die of it"
}
