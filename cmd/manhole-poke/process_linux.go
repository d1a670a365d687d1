package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/buildinfo"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/cgroup"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"golang.org/x/sys/unix"
)

// look finds out about a process and fails if it cannot be rung whatever the
// signal: it does not exist, is not ours, does not run, or cannot be seen.
func look(pid int) (*process, error) {
	p := &process{pid: pid, nspid: pid, uid: -1, handle: -1}
	// The handle comes first: whatever is read afterwards is either of this
	// very process, or the signal will find that it is gone. Without one
	// (Linux before 5.3, some sandboxes) kill has to do.
	if fd, err := unix.PidfdOpen(pid, 0); err == nil {
		p.handle = fd
	}
	if err := p.look(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *process) look() error {
	allowed := p.signal(0)
	if allowed == unix.ESRCH {
		return p.signalled(allowed)
	}
	text, err := os.ReadFile(p.proc("status"))
	if err != nil && allowed != nil {
		return p.signalled(allowed)
	}
	var s procfs.Status
	if err == nil {
		s, err = procfs.ParseStatus(text)
	}
	if err != nil {
		return failf(statusUnlooked, "%s cannot be looked at (%v), so it was not rung; is /proc mounted? If it is armed for sure: kill -USR2 %d, then manhole-poke PATH", p, err, p.pid)
	}
	if err := foreignProc(); err != nil {
		return err
	}
	p.name, p.uid, p.gid = s.Name, s.UID, s.GID
	if len(s.NSPid) > 0 {
		p.nspid = s.NSPid[len(s.NSPid)-1]
	}
	switch {
	case s.TGID != p.pid:
		return failf(statusNoProcess, "%d is a thread of process %d (%s); try manhole-poke %d", p.pid, s.TGID, s.Name, s.TGID)
	case s.State == 'Z' || s.State == 'X':
		return failf(statusZombie, "%s is a zombie: it is dead, and only its parent has yet to notice", p)
	case allowed != nil:
		return p.signalled(allowed)
	case s.State == 'T':
		return failf(statusStopped, "%s is stopped and would not answer; try kill -CONT %d first", p, p.pid)
	case s.State == 't':
		return failf(statusStopped, "%s is stopped by a debugger and would not answer; let it continue there first", p)
	}
	if dir := cgroup.Of(p.pid).Frozen(); dir != "" {
		return failf(statusStopped, "%s is frozen with its cgroup and would not answer; try %s first", p, cgroup.ThawCommand(dir))
	}
	p.signals = &dispositions{s.Caught.Has, s.Ignored.Has, func(n int) bool { return s.Blocked.Has(n) && p.blockedEverywhere(n) }}
	p.build = func() (*debug.BuildInfo, error) { return p.readBuild(s.Caught) }
	p.readNote()
	return nil
}

// nameOf is what the process calls itself, or "".
func nameOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	s, _ := procfs.ParseStatus(text)
	return s.Name
}

// foreignProc fails if /proc shows the pids of another namespace than kill
// takes, as unshare -p alone leaves it: the process that is looked at would not
// be the one that is rung.
func foreignProc() error {
	self, err := os.Readlink("/proc/self")
	if err == nil && self == strconv.Itoa(os.Getpid()) {
		return nil
	}
	return failf(statusUnlooked, "/proc is that of another pid namespace, where pids mean other processes than here; try with the right one: unshare -m sh -c 'mount -t proc proc /proc && manhole-poke PID'")
}

func (p *process) close() {
	if p.handle >= 0 {
		unix.Close(p.handle)
		p.handle = -1
	}
}

func (p *process) proc(name string) string { return fmt.Sprintf("/proc/%d/%s", p.pid, name) }

func (p *process) signal(sig syscall.Signal) error {
	if p.handle >= 0 {
		if err := unix.PidfdSendSignal(p.handle, sig, nil, 0); err != unix.ENOSYS {
			return err
		}
	}
	return unix.Kill(p.pid, sig)
}

// exited also counts a process that is about to: see exiting.
func (p *process) exited() bool {
	if p.signals == nil {
		return false // never seen, so its absence says nothing
	}
	if p.handle >= 0 {
		fds := []unix.PollFd{{Fd: int32(p.handle), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 0); err == nil && n == 1 {
			return true
		}
	}
	stat, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
	}
	return procfs.Exiting(stat)
}

// readBuild believes that a program is none of Go's only if it also does not
// catch what all those do: packed and obfuscated ones do not tell.
func (p *process) readBuild(caught procfs.SignalSet) (*debug.BuildInfo, error) {
	b, err := buildinfo.ReadFile(p.proc("exe"))
	if errors.As(err, new(*fs.PathError)) || caught&goSignals == goSignals {
		err = nil // not ours to read
	}
	return b, err
}

// usualPaths are where Arm has the door open if not told where, in this order:
// the first that can be made. Else it has no file.
func (p *process) usualPaths() []string {
	return []string{p.defaultPath(), "/dev/shm/" + filepath.Base(p.defaultPath())}
}

// guesses are the usual paths and, if the door is open, what the list of the unix
// sockets of the process's network namespace tells, which everybody may read.
func (p *process) guesses() []string {
	paths := p.usualPaths()
	text, err := os.ReadFile(p.proc("net/unix"))
	if err != nil {
		return paths
	}
	for _, path := range procfs.ParseUnixListeners(text) {
		if strings.TrimPrefix(filepath.Base(path), "@") == filepath.Base(p.defaultPath()) && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// blockedEverywhere asks all threads, because status speaks of the first only
// and a signal to the process goes to any that lets it in.
func (p *process) blockedEverywhere(sig int) bool {
	threads, err := os.ReadDir(p.proc("task"))
	if err != nil {
		return true
	}
	return !slices.ContainsFunc(threads, func(t fs.DirEntry) bool {
		text, err := os.ReadFile(p.proc("task/" + t.Name() + "/status"))
		if err != nil {
			return false // it ended meanwhile
		}
		s, err := procfs.ParseStatus(text)
		return err == nil && !s.Blocked.Has(sig)
	})
}

// readNote looks for the descriptor by which an armed process says so.
func (p *process) readNote() {
	p.readDescriptors()
	if !p.descriptorsRead {
		p.asOwner(p.readDescriptors)
	}
}

func (p *process) readDescriptors() {
	dir, err := os.Open(p.proc("fd"))
	if err != nil {
		return // not ours to see, although it is ours to signal
	}
	defer dir.Close()
	for hidden := false; ; {
		names, err := dir.Readdirnames(512)
		for _, name := range names {
			link, err := os.Readlink(dir.Name() + "/" + name)
			if denied(err) {
				hidden = true // how many there are is told to more than what they are
			}
			if err != nil || !strings.HasPrefix(link, "/memfd:"+armedName) {
				continue
			}
			n, err := readArmedNote(dir.Name() + "/" + name)
			switch {
			case err != nil:
				p.noteErr = err
			case n.pid == p.nspid: // and not one inherited from a parent
				p.note, p.descriptorsRead = &n, true
				return
			}
		}
		if err != nil {
			p.descriptorsRead = err == io.EOF && !hidden
			return
		}
	}
}

// readArmedNote opens nothing that could do harm or never return: what the
// name points to is the other process's choice.
func readArmedNote(name string) (armedNote, error) {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return armedNote{}, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	var sfs unix.Statfs_t
	if err := errors.Join(unix.Fstat(fd, &st), unix.Fstatfs(fd, &sfs)); err != nil {
		return armedNote{}, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || sfs.Type != unix.TMPFS_MAGIC {
		return armedNote{}, errors.New("not a memfd")
	}
	f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return armedNote{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, armedNoteMax+1))
	if err != nil {
		return armedNote{}, err
	}
	return parseArmedNote(text)
}
