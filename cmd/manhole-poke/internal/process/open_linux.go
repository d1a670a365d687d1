package process

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"strconv"
	"sync"
	"syscall"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/asuser"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/buildinfo"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/cgroup"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"github.com/go-manhole/lazy/internal/ringtag"
	"github.com/go-manhole/lazy/internal/sigmask"
	"golang.org/x/sys/unix"
)

// Open finds out about a process. It fails if the process cannot be used
// whatever the signal: it does not exist, belongs to another user, does not
// run, or cannot be inspected.
func Open(pid int) (*Process, error) {
	p := unknown(pid)
	// The handle comes first: whatever is read afterwards is of this process,
	// or the signal will fail because the process is gone. Without a handle
	// (Linux before 5.3, some sandboxes) kill(2) has to do.
	if fd, err := unix.PidfdOpen(pid, 0); err == nil {
		p.handle = fd
	}
	if err := p.inspect(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Process) inspect() error {
	allowed := p.Signal(0)
	if allowed == unix.ESRCH {
		return p.SignalError(allowed)
	}
	s, err := p.status()
	if err != nil && allowed != nil {
		return p.SignalError(allowed)
	}
	if err != nil {
		return exit.Errorf(exit.Denied, "inaccessible", "cannot inspect %s (%v), so it was not signalled; is /proc mounted? If its socket is open already: manhole-poke PATH", p, err)
	}
	if err := foreignProc(); err != nil {
		return err
	}
	switch {
	case s.TGID != p.PID:
		return exit.Errorf(exit.NotFound, "not-a-process", "%d is a thread of process %d (%s); try manhole-poke %d", p.PID, s.TGID, s.Name, s.TGID)
	case s.State == 'Z' || s.State == 'X':
		return zombie(p)
	case allowed != nil:
		return p.SignalError(allowed)
	case s.State == 'T':
		return stopped(p)
	case s.State == 't':
		return exit.Errorf(exit.Timeout, "traced", "%s is stopped by a debugger and would not answer; let it continue there first", p)
	}
	if dir := cgroup.Of(p.PID).Frozen(); dir != "" {
		return exit.Errorf(exit.Timeout, "frozen", "%s is frozen with its cgroup and would not answer; try %s first", p, cgroup.ThawCommand(dir))
	}
	p.Signals = &Dispositions{
		Caught:  s.Caught.Has,
		Ignored: s.Ignored.Has,
		Blocked: func(n int) bool {
			// status covers only the first thread, and a signal to the process goes
			// to any thread that does not block it.
			return s.Blocked.Has(n) && !sigmask.Unblocked(p.PID, n)
		},
		Notified: func(n int) bool {
			notified, _ := sigmask.Notified(p.PID, n)
			return notified
		},
	}
	p.Build = sync.OnceValues(func() (*Build, error) {
		r, _, err := p.ask(question{Do: "build", Caught: uint64(s.Caught)}, viewTime)
		if err != nil {
			return nil, nil // its file system does not answer
		}
		return r.Build, r.err()
	})
	return p.askNote()
}

// askNote has the deputy look for the note. It fails if that takes too long.
func (p *Process) askNote() error {
	r, _, err := p.ask(question{Do: "note"}, viewTime)
	if err != nil {
		return exit.Errorf(exit.Timeout, "file-system", "cannot look at the descriptors of %s within %v (%v), so it was not signalled; one may be on a file system that does not answer: if its socket is open already, manhole-poke PATH", p, viewTime, err)
	}
	if p.ArmedNote, p.DescriptorsRead = r.Note, r.Descriptors; r.NoteErr != "" {
		p.ArmedNoteErr = errors.New(r.NoteErr)
	}
	if p.ArmedNote != nil && p.Build != nil {
		b, _ := p.Build()
		p.dropNote(b)
	}
	return nil
}

// status reads /proc/PID/status and takes over what it says of the process.
func (p *Process) status() (procfs.Status, error) {
	text, err := procfs.ReadFile(p.Proc("status"))
	if err != nil {
		return procfs.Status{}, err
	}
	s, err := procfs.ParseStatus(text)
	if err != nil {
		return s, err
	}
	p.Name, p.UID, p.GID = s.Name, s.UID, s.GID
	if len(s.NSPid) > 0 {
		p.NSPid = s.NSPid[len(s.NSPid)-1]
	}
	return s, nil
}

// Stat finds out about a process in any state and of any user. It need not be
// closed.
func Stat(pid int) (*Process, error) {
	p := unknown(pid)
	if err := foreignProc(); err != nil {
		return nil, err
	}
	s, err := p.status()
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ESRCH):
		return nil, p.SignalError(unix.ESRCH)
	case err != nil:
		return nil, exit.Errorf(exit.Denied, "inaccessible", "cannot inspect %s: %v; try as root", p, err)
	case s.TGID != p.PID:
		return nil, exit.Errorf(exit.NotFound, "not-a-process", "%d is a thread of process %d (%s); try manhole-poke kernel %d", p.PID, s.TGID, s.Name, s.TGID)
	}
	p.askNote() // without which a view can be given as well
	return p, nil
}

// NameOf returns the name of the process, or "".
func NameOf(pid int) string {
	p := unknown(pid)
	p.status()
	return p.Name
}

// foreignProc fails if /proc shows the PIDs of another namespace than kill(2)
// takes, as after unshare -p alone: the process that is inspected would not be
// the one that is signalled.
func foreignProc() error {
	self, err := os.Readlink("/proc/self")
	if err == nil && self == strconv.Itoa(os.Getpid()) {
		return nil
	}
	return exit.Errorf(exit.Denied, "inaccessible", "/proc belongs to another pid namespace, where PIDs mean other processes than here; mount the right one: unshare -m sh -c 'mount -t proc proc /proc && manhole-poke PID'")
}

// Close releases the handle.
func (p *Process) Close() {
	if p.handle >= 0 {
		unix.Close(p.handle)
		p.handle = -1
	}
}

// Proc returns the path of a file below /proc/PID.
func (p *Process) Proc(name string) string { return fmt.Sprintf("/proc/%d/%s", p.PID, name) }

// Signal sends a signal; 0 only checks the permission.
func (p *Process) Signal(sig syscall.Signal) error {
	if p.handle >= 0 {
		if err := unix.PidfdSendSignal(p.handle, sig, nil, 0); err != unix.ENOSYS {
			return err
		}
	}
	return unix.Kill(p.PID, sig)
}

// Ring sends the signal as a tagged ring, which the process does not pass on to
// its program. The error is ENOSYS where that is not possible.
func (p *Process) Ring(sig syscall.Signal) error {
	if bits.UintSize < 64 {
		return unix.ENOSYS // the tag fills 64 bits
	}
	return ringtag.Send(p.handle, p.PID, sig)
}

// Exited reports whether the process is gone, a zombie, or about to exit. It
// is false for a process that was never seen, whose absence means nothing.
func (p *Process) Exited() bool {
	if p.Signals == nil {
		return false
	}
	if p.handle >= 0 {
		fds := []unix.PollFd{{Fd: int32(p.handle), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 0); err == nil && n == 1 {
			return true
		}
	}
	stat, err := procfs.ReadFile(p.Proc("stat"))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
	}
	return procfs.Exiting(stat)
}

// readBuild takes a program for one not built by Go only if it also does not
// catch the signals that all Go programs catch: a packed or obfuscated
// executable has no build information.
func (p *Process) readBuild(caught uint64) (*Build, error) {
	b, err := buildinfo.ReadFile(p.Proc("exe"))
	if errors.As(err, new(*fs.PathError)) || procfs.SignalSet(caught)&goSignals == goSignals {
		err = nil // hidden
	}
	return newBuild(b), err
}

// IsDenied reports whether err is a refusal of the kernel.
func IsDenied(err error) bool { return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) }

// OpenProc opens a file below /proc/PID, as the process's user if that helps.
func (p *Process) OpenProc(name string, flags int) (fd int, err error) {
	fd, err = unix.Open(p.Proc(name), flags|unix.O_CLOEXEC, 0)
	if IsDenied(err) {
		p.AsOwner(func() { fd, err = unix.Open(p.Proc(name), flags|unix.O_CLOEXEC, 0) })
	}
	return fd, err
}

// AsOwner calls f as the process's user, if that may help; otherwise it does
// not call f. A user may see what /proc says of their processes (ptrace(2),
// access mode checking); root may not without CAP_SYS_PTRACE, which it lacks
// in most containers.
func (p *Process) AsOwner(f func()) {
	if os.Geteuid() != 0 || p.UID <= 0 {
		return
	}
	asuser.OnThread(func() {
		if asuser.TakeOn(p.UID, p.GID) == nil {
			f()
		}
	})
}

// HoldsSocket reports whether the process has the socket with this inode open.
func (p *Process) HoldsSocket(inode uint64) (held bool) {
	socket := fmt.Sprintf("socket:[%d]", inode)
	search := func() {
		p.eachDescriptor(func(_, link string) bool {
			held = link == socket
			return !held
		})
	}
	if search(); !held {
		p.AsOwner(search)
	}
	return held
}
