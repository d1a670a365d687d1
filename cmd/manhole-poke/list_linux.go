package main

import (
	"os"
	"os/user"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/buildinfo"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"golang.org/x/sys/unix"
)

const armedIsTold = true

// goProcesses looks at every process. It does not leave that to goprocess of
// gops, as the other systems do, because goprocess opens the executable by
// the path that /proc/PID/exe reads as. From here, that path is nothing in a
// container, or another program; nothing when the executable was removed or
// replaced by an upgrade; and a fifo in its place keeps goprocess waiting for
// ever. What /proc/PID/exe leads to is the executable in all these cases, and
// is there to whoever could read the path: nothing that goprocess finds is
// missed.
//
// /proc/PID/cmdline is left alone: its reader waits for a process that is
// stuck while it changes its own memory map, so ps hangs just when it is
// needed.
func goProcesses() ([]goProcess, error) {
	// In a pid namespace that kept the /proc of its parent, the pids that
	// stand there are not those that kill takes.
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return nil, failf(statusUnlooked, "the processes cannot be listed: /proc is not mounted, or is that of another pid namespace; try mount -t proc proc /proc")
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, failf(statusUnlooked, "the processes cannot be listed: %v; is /proc mounted?", err)
	}
	var ps []goProcess
	v := viewer{builds: map[inode]*debug.BuildInfo{}, users: map[int]string{}}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if p, ok := v.view(pid); ok {
			ps = append(ps, p)
		}
	}
	sortByPID(ps)
	return ps, nil
}

// An inode is what a hundred workers share, so that it is read once.
type inode struct{ dev, ino uint64 }

type viewer struct {
	builds map[inode]*debug.BuildInfo // nil for what was not built by Go
	users  map[int]string
}

// goSignals are some that the Go runtime catches from its start in every
// program: SIGURG, and the real-time signals from 35 on, which few others
// catch and none all of (sigtable in runtime/sigtab_linux_generic.go).
const goSignals = ^procfs.SignalSet(1<<34-1) | 1<<(unix.SIGURG-1)

// view says whether the process is one of Go, and what else can be seen of it.
// Where the executable is hidden (another user's, or one with capabilities) or
// tells nothing (packed, obfuscated, emulated), the signals it catches decide:
// those anybody may read.
func (v *viewer) view(pid int) (goProcess, bool) {
	p := &process{pid: pid, nspid: pid, uid: -1, handle: -1}
	text, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return goProcess{}, false // it ended meanwhile, or is hidden (hidepid in proc(5))
	}
	s, err := procfs.ParseStatus(text)
	if err != nil || s.State == 'Z' || s.State == 'X' {
		return goProcess{}, false
	}
	p.uid, p.gid = s.UID, s.GID
	if len(s.NSPid) > 0 {
		p.nspid = s.NSPid[len(s.NSPid)-1]
	}
	build := v.build(p.proc("exe"))
	if build == nil && s.Caught&goSignals != goSignals {
		return goProcess{}, false
	}
	g := goProcess{PID: pid, NSPid: &p.nspid, UID: &s.UID, User: new(v.user(s.UID)), Name: s.Name, Comm: s.Name, Up: up(p)}
	if path, err := os.Readlink(p.proc("exe")); err == nil {
		g.executable(path)
	}
	if build != nil {
		g.Go, g.Lazy = &build.GoVersion, lazyVersion(build)
	}
	p.readNote()
	switch {
	case p.note != nil:
		g.Armed, g.Signal, g.Socket = new(true), new(signalName(syscall.Signal(p.note.signal))), &p.note.path
	case p.descriptorsRead && p.noteErr == nil:
		g.Armed = new(false)
	}
	return g, true
}

// build is nil if the executable cannot be read or was not built by Go.
func (v *viewer) build(exe string) *debug.BuildInfo {
	st, err := os.Stat(exe)
	if err != nil {
		return nil
	}
	sys := st.Sys().(*syscall.Stat_t)
	key := inode{uint64(sys.Dev), uint64(sys.Ino)}
	b, ok := v.builds[key]
	if !ok {
		b, _ = buildinfo.ReadFile(exe)
		v.builds[key] = b
	}
	return b
}

func (v *viewer) user(uid int) string {
	name, ok := v.users[uid]
	if !ok {
		name = strconv.Itoa(uid)
		if u, err := user.LookupId(name); err == nil {
			name = u.Username
		}
		v.users[uid] = name
	}
	return name
}

// up is how long the process has been there, in seconds.
func up(p *process) *int64 {
	text, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return nil
	}
	stat, err := procfs.ParseStat(text)
	var now unix.Timespec
	if err != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return nil
	}
	return new(int64(max(0, time.Duration(now.Nano())-stat.Started) / time.Second))
}
