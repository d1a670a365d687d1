//go:build linux || darwin || freebsd

package ring

import (
	"syscall"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/internal/armednote"
	"github.com/go-manhole/lazy/internal/signame"
	"github.com/go-manhole/lazy/internal/sockpath"
	"golang.org/x/sys/unix"
)

// An endpoint is the signal to send and the socket that then appears.
type endpoint struct {
	signal  syscall.Signal
	path    string
	ours    bool // the path is as seen from here, not as the process sees it
	guessed bool // nobody said what the path is

	taken error // not nil if another armed process listens at the path
}

// endpointOf settles both from the options and from what the process says. It
// fails rather than let a signal go to a process that would die of it, or to
// one that does not say that it is armed for it: a Go program catches every
// signal, armed or not, and other programs use SIGUSR2 for their own purposes.
func endpointOf(p *process.Process, o Options) (endpoint, error) {
	e := endpoint{signal: unix.SIGUSR2, path: sockpath.Default(p.NSPid), guessed: true}
	if p.ArmedNote != nil {
		e = endpoint{signal: syscall.Signal(p.ArmedNote.Signal), path: p.ArmedNote.Path}
	}
	if o.Path != "" {
		if same, known := p.OpensAt(o.Path); known && !same {
			return e, exit.Errorf(exit.NotArmed, "other-path", "%s is armed for %s, and not for the file that is %s here, so it was not signalled; try without -p", p, p.ArmedNote.Path, o.Path)
		}
		e.path, e.guessed = o.Path, false
		e.ours = !sockpath.IsAbstract(o.Path)
	}
	switch {
	case o.Signal != 0 && p.ArmedNote != nil && o.Signal != e.signal:
		return e, exit.Errorf(exit.NotArmed, "other-signal", "%s is armed for %s, not for %s; try without -s", p, signame.Name(e.signal), signame.Name(o.Signal))
	case o.Signal != 0:
		e.signal = o.Signal
	case p.ArmedNote == nil && p.ArmedNoteErr == nil:
		if err := checkBuild(p); err != nil {
			return e, err
		}
	}
	if err := checkDisposition(p, e.signal); err != nil {
		return e, err
	}
	if p.ArmedNote == nil && p.DescriptorsRead || p.ArmedNoteErr != nil {
		if err := checkNotified(p, e.signal); err != nil {
			return e, err
		}
	}
	if p.ArmedNote == nil && o.Signal == 0 {
		switch name := signame.ForKill(e.signal); {
		case p.ArmedNoteErr != nil:
			return e, exit.Errorf(exit.NotArmed, "note-not-understood", "%s has a descriptor %s that is not understood (%v), so it was not signalled; try a newer manhole-poke, or -s %s if it is armed", p, armednote.Prefix, p.ArmedNoteErr, name)
		case p.DescriptorsRead:
			if err := checkImport(p); err != nil {
				return e, err
			}
			return e, exit.Errorf(exit.NotArmed, "not-armed", "%s does not look armed (no descriptor %s), so it was not signalled; does it call lazy.Arm? (During a session it cannot say that it is armed if its descriptors are exhausted.) If it is armed: -s %s", p, armednote.Prefix, name)
		}
	}
	return e, nil
}

// checkBuild fails if the executable shows that the process cannot be armed.
func checkBuild(p *process.Process) error {
	if p.Build == nil {
		return nil
	}
	b, err := p.Build()
	if err != nil {
		return exit.Errorf(exit.NotArmed, "not-go", "%s is not a Go program, so it was not signalled; is this the right PID? List the Go processes with manhole-poke", p)
	}
	if b == nil || b.LinksLazy() {
		return nil
	}
	return exit.Errorf(exit.NotArmed, "without-lazy", "%s is a Go program (%s, %s) without lazy, so it was not signalled; until it calls lazy.Arm, use dlv attach %d, or kill -QUIT %d, which prints its stacks and ends it", p, b.GoVersion, b.Path, p.PID, p.PID)
}

// checkImport fails if the program imports package armed, which has not armed it.
func checkImport(p *process.Process) error {
	if p.Signals == nil {
		return nil
	}
	const advice = "restart it with LAZY_MANHOLE=1 in its environment"
	switch i := p.ImportsArmed(); {
	case !i.Linked:
		return nil
	case i.Variable:
		return exit.Errorf(exit.NotArmed, "not-armed", "%s imports lazy/armed and was started with LAZY_MANHOLE, but does not look armed (no descriptor %s), so it was not signalled; what it wrote to stderr when it started says why, if the variable is not off. (During a session it cannot say that it is armed if its descriptors are exhausted; then: -s USR2)", p, armednote.Prefix)
	case i.Hidden:
		return exit.Errorf(exit.NotArmed, "not-armed", "%s imports lazy/armed, but is not armed, so it was not signalled; if LAZY_MANHOLE was not set, %s", p, advice)
	}
	return exit.Errorf(exit.NotArmed, "not-armed", "%s imports lazy/armed, but was started without LAZY_MANHOLE, so it is not armed and was not signalled; %s", p, advice)
}

func checkDisposition(p *process.Process, sig syscall.Signal) error {
	if p.Signals == nil {
		return nil
	}
	switch n := int(sig); {
	case p.Signals.Ignored(n):
		return exit.Errorf(exit.NotArmed, "signal-ignored", "%s ignores %s, so it was not signalled; does it call lazy.Arm, and does anything in it ignore the signal?", p, signame.Name(sig))
	case !p.Signals.Caught(n):
		return exit.Errorf(exit.NotArmed, "signal-not-caught", "%s does not catch %s and %s, so it was not signalled; is this the right PID, and does the process call lazy.Arm?", p, signame.Name(sig), fate(sig))
	case p.Signals.Blocked(n):
		return exit.Errorf(exit.NotArmed, "signal-blocked", "%s blocks %s in every thread and would not notice it, so it was not signalled; is this the right PID?", p, signame.Name(sig))
	}
	return nil
}

// checkNotified fails if the program is notified of the signal and would act on
// it. That is not asked of a process with a note: a tagged ring does not get to
// its program, and where lazy itself uses os/signal, it is lazy that is notified.
func checkNotified(p *process.Process, sig syscall.Signal) error {
	if p.Signals == nil || p.Signals.Notified == nil || !p.Signals.Notified(int(sig)) {
		return nil
	}
	if err := checkImport(p); p.ArmedNote == nil && err != nil {
		return err
	}
	return exit.Errorf(exit.NotArmed, "handles-signal", "%s does not look armed (no descriptor %s that is understood) and handles %s itself, so it was not signalled: it might reload or exit. Does it call lazy.Arm? Its log may say for which signal", p, armednote.Prefix, signame.Name(sig))
}

// send rings the process: with a tag if it understands that.
func send(p *process.Process, sig syscall.Signal) error {
	if p.ArmedNote == nil {
		if err := checkNotified(p, sig); err != nil {
			return err
		}
	}
	if p.ArmedNote == nil || !p.ArmedNote.Tagged {
		return p.SignalError(p.Signal(sig))
	}
	err := p.Ring(sig)
	if err != unix.ENOSYS {
		return p.SignalError(err)
	}
	if err := checkNotified(p, sig); err != nil {
		return exit.Errorf(exit.NotArmed, "handles-signal", "%s handles %s itself as well, and this manhole-poke cannot send a signal for lazy alone (no pidfd_send_signal or rt_sigqueueinfo), so it was not signalled; try one for 64 bits, outside the sandbox", p, signame.Name(sig))
	}
	return p.SignalError(p.Signal(sig))
}

// fate says what a signal does to a process that does not catch it, signal(7).
func fate(sig syscall.Signal) string {
	switch sig {
	case unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGCONT:
		return "would not notice it"
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return "would be stopped by it"
	}
	return "would die of it"
}
