package process

import (
	"os"
	"os/user"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/buildinfo"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"github.com/go-manhole/lazy/internal/signame"
	"golang.org/x/sys/unix"
)

// SaysArmed reports whether processes on this system say that they are armed.
const SaysArmed = true

// List inspects every process and returns those of Go, by PID, without this
// one.
//
// It does not use goprocess of gops, as on other systems, because that opens
// the executable by the path that the link /proc/PID/exe shows. From here, the
// path does not exist or is another program if the process is in a container;
// it does not exist if the executable was removed or replaced by an upgrade;
// and a FIFO at the path blocks goprocess for ever. Opening /proc/PID/exe itself
// gives the executable in all these cases, to everybody who may read the link.
//
// /proc/PID/cmdline is not read: that blocks on a process that is stuck while
// it changes its own memory map, so ps hangs when it is needed most.
func List() ([]Info, error) {
	if err := foreignProc(); err != nil {
		return nil, exit.Errorf(exit.Denied, "inaccessible", "cannot list the processes: /proc is not mounted, or belongs to another pid namespace; try mount -t proc proc /proc")
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, exit.Errorf(exit.Denied, "inaccessible", "cannot list the processes: %v; is /proc mounted?", err)
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	all, err := views(pids)
	if err != nil {
		return nil, exit.Errorf(exit.LocalIO, "local-io", "cannot list the processes: %v", err)
	}
	v := newViewer()
	for i := range all {
		if all[i].UID != nil { // the child need not look that up, nor may it block on one process
			all[i].User = new(v.user(*all[i].UID))
		}
	}
	sortByPID(all)
	return all, nil
}

// An inode identifies an executable, which many workers may share, so that it
// is read once.
type inode struct{ dev, ino uint64 }

// A viewer is safe for concurrent use, except user.
type viewer struct {
	mu     sync.Mutex
	builds map[inode]*Build // nil for programs not built by Go
	users  map[int]string
}

func newViewer() *viewer {
	return &viewer{builds: map[inode]*Build{}, users: map[int]string{}}
}

// goSignals are signals that the Go runtime catches from the start in every
// program: SIGURG, and the real-time signals from 35 on, which few other
// programs catch and none all of (sigtable in runtime/sigtab_linux_generic.go).
const goSignals = ^procfs.SignalSet(1<<34-1) | 1<<(unix.SIGURG-1)

// view inspects a process and reports whether it is one of Go. If the
// executable is hidden (another user's, or one with capabilities) or says
// nothing (packed, obfuscated, emulated), the signals that it catches decide:
// everybody may read those.
func (v *viewer) view(pid int) (*Info, bool) {
	p := unknown(pid)
	s, err := p.status()
	if err != nil || s.State == 'Z' || s.State == 'X' {
		return nil, false // it has exited, or is hidden (hidepid in proc(5))
	}
	build := v.build(p.Proc("exe"))
	if build == nil && s.Caught&goSignals != goSignals {
		return nil, false
	}
	g := &Info{PID: pid, NSPid: &p.NSPid, UID: &s.UID, Name: s.Name, Comm: s.Name, Up: up(p)}
	if path, err := os.Readlink(p.Proc("exe")); err == nil {
		g.setExecutable(path)
	}
	if build != nil {
		g.Go, g.Lazy = &build.GoVersion, build.Lazy
	}
	p.readArmedNote()
	p.dropNote(build)
	switch {
	case p.ArmedNote != nil:
		g.Armed, g.Signal, g.Socket = new(true), new(signame.Name(syscall.Signal(p.ArmedNote.Signal))), &p.ArmedNote.Path
	case p.DescriptorsRead && p.ArmedNoteErr == nil:
		g.Armed = new(false)
	}
	return g, true
}

// build returns nil if the executable cannot be read or was not built by Go.
func (v *viewer) build(exe string) *Build {
	st, err := os.Stat(exe)
	if err != nil {
		return nil
	}
	sys := st.Sys().(*syscall.Stat_t)
	key := inode{uint64(sys.Dev), uint64(sys.Ino)}
	v.mu.Lock()
	b, ok := v.builds[key]
	v.mu.Unlock()
	if ok {
		return b
	}
	read, _ := buildinfo.ReadFile(exe)
	b = newBuild(read)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.builds[key] = b
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

// up returns the seconds since the process started.
func up(p *Process) *int64 {
	text, err := procfs.ReadFile(p.Proc("stat"))
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
