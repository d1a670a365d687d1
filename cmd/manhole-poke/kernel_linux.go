package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/buildinfo"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/cgroup"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"golang.org/x/sys/unix"
)

// sample is over how long a process is looked at, and looks is how often: what
// a thread does most of the time is not always what it is found doing. Quotas of
// CPU time are counted in periods of a tenth of a second, so five of them are
// seen.
const (
	sample = 500 * time.Millisecond
	looks  = 6
)

// kernel shows what the kernel knows of a process, armed or not.
func kernel(o options, args []string) error {
	if len(args) != 1 {
		return failf(statusUsage, "kernel takes one PID or NAME; try manhole-poke kernel PID")
	}
	pid, err := strconv.ParseUint(args[0], 10, 31)
	if err != nil {
		var named int
		named, err = resolve(o, args[0])
		pid = uint64(named)
	}
	if err != nil {
		return err
	}
	p, err := glance(int(pid))
	if err != nil {
		return err
	}
	v, err := p.sample()
	if err != nil {
		return err
	}
	if _, err := fmt.Println(v); err != nil {
		return failf(statusHere, "cannot write what the kernel knows: %v", err)
	}
	return nil
}

// glance finds out about a process, whatever its state and whosever it is.
func glance(pid int) (*process, error) {
	p := &process{pid: pid, nspid: pid, uid: -1, handle: -1}
	if err := foreignProc(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(p.proc("status"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return nil, p.signalled(unix.ESRCH)
	}
	var s procfs.Status
	if err == nil {
		s, err = procfs.ParseStatus(text)
	}
	if err != nil {
		return nil, failf(statusUnlooked, "%s cannot be looked at: %v; try as root", p, err)
	}
	p.name, p.uid, p.gid = s.Name, s.UID, s.GID
	if len(s.NSPid) > 0 {
		p.nspid = s.NSPid[len(s.NSPid)-1]
	}
	if s.TGID != p.pid {
		return nil, failf(statusNoProcess, "%d is a thread of process %d (%s); try manhole-poke kernel %d", p.pid, s.TGID, s.Name, s.TGID)
	}
	p.readNote()
	return p, nil
}

// silent is the failure to get an answer in time. What the kernel knows comes
// with it, as long as the process is there.
func (p *process) silent(format string, args ...any) error {
	f := failf(statusTimeout, format, args...).(*failure)
	if v, err := p.sample(); err == nil && p.pid != 0 {
		v.asked = true
		f.view = v.String()
	}
	return f
}

// A view is a process as the kernel sees it from outside, over the sample.
type view struct {
	process   string
	pid       int
	asked     bool // it was, and did not answer
	took      time.Duration
	threads   []thread
	cpus      int  // how many it may use
	hidden    bool // system calls and wait channels are not ours to see
	isGo      bool
	noPreempt bool // GODEBUG=asyncpreemptoff=1
	tracer    int
	frozen    string       // its cgroup, if that is
	throttled string       // the cgroup that used up its quota of CPU time
	quota     cgroup.Quota // in the sample
	pressure  float64
	faults    uint64 // pages read from disk, in the sample
}

// A thread is one of its threads.
type thread struct {
	tid     int
	name    string
	state   byte          // the usual one, and so are call, fd, channel and stack
	used    time.Duration // since it was started
	share   float64       // of one CPU
	kernel  float64       // which part of that was in the kernel
	waited  float64       // which part of the sample it was ready and got no CPU
	turns   float64       // how often it got one, a second
	call    string        // the system call, "" if in none
	fd      int           // on which descriptor, -1 if on none
	channel string        // what the kernel waits for, "" if for nothing
	stack   []string      // in the kernel, if that matters and is ours to see
	still   bool          // it did nothing at all
	seen    []string      // each system call that it was found in, and "" for none
}

// A moment is what is read of a thread at one time.
type moment struct {
	procfs.Stat
	procfs.Schedstat
	procfs.Syscall
	channel string
	hidden  bool
}

func (p *process) sample() (view, error) {
	v := view{process: p.String(), pid: p.pid, isGo: p.note != nil}
	text, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return v, failf(statusExited, "%s exited meanwhile", p)
	}
	if s, err := procfs.ParseStatus(text); err == nil {
		v.cpus, v.tracer = s.CPUs, s.Tracer
	}
	if !v.isGo {
		v.isGo, _ = soon(func() bool { _, err := buildinfo.ReadFile(p.proc("exe")); return err == nil })
	}
	v.noPreempt, _ = soon(func() bool {
		environ, _ := os.ReadFile(p.proc("environ"))
		return procfs.PreemptionOff(environ)
	})
	g := cgroup.Of(p.pid)
	v.frozen = g.Frozen()
	v.pressure = g.Pressure()

	quotas := g.Quotas()
	var threads map[int][]moment
	watch := func() { threads, v.took = p.watch() }
	if m, _ := momentOf(p.proc(fmt.Sprintf("task/%d", p.pid))); m.hidden {
		p.asOwner(watch)
	}
	if threads == nil {
		watch()
	}
	for dir, q := range g.Quotas() {
		q.Throttled -= quotas[dir].Throttled
		q.Periods -= quotas[dir].Periods
		if q.Throttled > v.quota.Throttled {
			v.throttled, v.quota = dir, q
		}
	}
	for _, tid := range slices.Sorted(maps.Keys(threads)) {
		moments := threads[tid]
		first, last := moments[0], moments[len(moments)-1]
		v.hidden = v.hidden || last.hidden
		v.faults += last.MajorFaults - first.MajorFaults
		t := threadOf(moments, v.took)
		t.tid = tid
		if t.state == 'D' {
			t.stack = kernelStack(fmt.Sprintf("%s/%d/stack", p.proc("task"), tid))
		}
		v.threads = append(v.threads, t)
	}
	if len(v.threads) == 0 {
		return v, failf(statusExited, "%s exited meanwhile", p)
	}
	return v, nil
}

// soon gives up on what may never return: a file system that hangs, or the
// memory of a process of which a thread that is stuck holds the lock.
func soon[T any](f func() T) (v T, ok bool) {
	c := make(chan T, 1)
	go func() { c <- f() }()
	select {
	case v = <-c:
		return v, true
	case <-time.After(sample):
		return v, false
	}
}

// watch looks at all threads several times.
func (p *process) watch() (threads map[int][]moment, took time.Duration) {
	began := time.Now()
	threads = p.moments(nil)
	for range looks - 1 {
		time.Sleep(sample / (looks - 1))
		threads = p.moments(threads)
	}
	return threads, time.Since(began)
}

// moments adds one to those of each thread, and forgets those that have ended.
func (p *process) moments(before map[int][]moment) map[int][]moment {
	threads, err := os.ReadDir(p.proc("task"))
	if err != nil {
		return nil
	}
	moments := make(map[int][]moment, len(threads))
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if m, ok := momentOf(p.proc("task/" + t.Name())); ok {
			moments[tid] = append(before[tid], m)
		}
	}
	return moments
}

func momentOf(dir string) (m moment, ok bool) {
	text, err := os.ReadFile(dir + "/stat")
	if err == nil {
		m.Stat, err = procfs.ParseStat(text)
	}
	if err != nil {
		return m, false
	}
	m.Ran = m.User + m.System
	// To the nanosecond, where the kernel keeps it.
	if text, err := os.ReadFile(dir + "/schedstat"); err == nil {
		if s, err := procfs.ParseSchedstat(text); err == nil && s.Ran > 0 {
			m.Schedstat = s
		}
	}
	text, err = os.ReadFile(dir + "/syscall")
	if err == nil {
		m.Syscall, err = procfs.ParseSyscall(text)
	}
	if err != nil {
		m.hidden, m.Number = true, procfs.NoSyscall
	}
	if text, err := os.ReadFile(dir + "/wchan"); err == nil && string(text) != "0" {
		m.channel = string(text)
	}
	return m, true
}

// threadOf is the thread that was looked at so often.
func threadOf(moments []moment, took time.Duration) thread {
	first, last := moments[0], moments[len(moments)-1]
	t := thread{name: last.Name, used: last.Ran, fd: -1}
	t.share = float64(last.Ran-first.Ran) / float64(took)
	usual := usualOf(moments)
	if t.share < 0.25 {
		// What it does when it wakes up says little about a thread that sleeps.
		if asleep := slices.DeleteFunc(slices.Clone(moments), func(m moment) bool { return m.State == 'R' || m.Running }); len(asleep) > 0 {
			usual = usualOf(asleep)
		}
	}
	t.state, t.call, t.channel = usual.State, callName(usual.Syscall), usual.channel
	t.waited = float64(last.Waited-first.Waited) / float64(took)
	t.turns = float64(last.Turns-first.Turns) / took.Seconds()
	if user, system := last.User-first.User, last.System-first.System; user+system > 0 {
		t.kernel = float64(system) / float64(user+system)
	}
	if slices.Contains(callsWithDescriptor, t.call) && len(usual.Args) > 0 {
		t.fd = int(int32(usual.Args[0]))
	}
	for _, m := range moments {
		t.seen = append(t.seen, callName(m.Syscall))
	}
	t.still = last.Ran == first.Ran
	return t
}

// usualOf is the latest of the moments that are most alike.
func usualOf(moments []moment) (usual moment) {
	type likeness struct {
		state   byte
		number  int
		channel string
	}
	count, most := map[likeness]int{}, 0
	for _, m := range moments {
		l := likeness{m.State, m.Number, m.channel}
		if count[l]++; count[l] >= most {
			usual, most = m, count[l]
		}
	}
	return usual
}

// callsWithDescriptor are system calls that block and take a descriptor first.
var callsWithDescriptor = []string{
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "sendfile", "splice",
	"accept", "accept4", "connect", "recvfrom", "recvmsg", "sendto", "sendmsg",
	"fsync", "fdatasync", "flock", "fcntl", "ioctl", "getdents64", "fstat", "ftruncate", "fallocate",
}

func callName(s procfs.Syscall) string {
	if s.Number == procfs.NoSyscall {
		return ""
	}
	// The numbers are those of this machine's processor, also for a 32-bit
	// process, for which they are wrong.
	if a, err := arch.GetInfo(""); err == nil {
		if name, ok := a.SyscallNumbers[s.Number]; ok {
			return name
		}
	}
	return "call " + strconv.Itoa(s.Number)
}

// kernelStack reads the functions of the kernel in which a thread sleeps,
// innermost first; only root may.
func kernelStack(name string) (functions []string) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return procfs.ParseKernelStack(text)
}

// String shows threads that are alike, and do next to nothing, as one line.
func (v view) String() string {
	w := new(strings.Builder)
	var share float64
	groups := map[string][]thread{}
	for _, t := range v.threads {
		share += t.share
		groups[t.kind()] = append(groups[t.kind()], t)
	}
	rows := slices.SortedFunc(maps.Values(groups), func(a, b []thread) int {
		return cmp.Or(-cmp.Compare(percent(a[0].share), percent(b[0].share)), -cmp.Compare(a[0].urgency(), b[0].urgency()), -cmp.Compare(len(a), len(b)), cmp.Compare(a[0].tid, b[0].tid))
	})

	fmt.Fprintf(w, "What the kernel knows of %s, looked at for %v: %s, %.2f of %s used\n\n",
		oneLine(v.process), v.took.Round(10*time.Millisecond), count(len(v.threads), "thread"), share, count(v.cpus, "CPU"))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "THREADS\tSTATE\tCPU\tUSED\tSYSTEM CALL\tWAITS IN\tNAME\tTID")
	for _, row := range rows {
		t := row[0]
		var used time.Duration
		for _, t := range row {
			used += t.used
		}
		call, channel := cmp.Or(t.callAndDescriptor(), "-"), cmp.Or(t.channel, "-")
		if v.hidden {
			call, channel = "?", cmp.Or(t.channel, "?")
		}
		fmt.Fprintf(table, "%d\t%s\t%d %%\t%v\t%s\t%s\t%s\t%s\n", len(row), stateName(t.state), percent(t.share), brief(used), call, channel, oneLine(t.name), tids(row))
	}
	table.Flush()
	for _, row := range rows {
		if s := row[0].stack; len(s) > 1 {
			fmt.Fprintf(w, "\n%d waits in the kernel in %s\n", row[0].tid, strings.Join(s, " < "))
		}
	}
	if v.hidden {
		fmt.Fprintf(w, "\nSystem calls and wait channels are not for uid %d to see; try as root, with all capabilities.\n", os.Geteuid())
	}
	for _, line := range v.reading() {
		fmt.Fprintf(w, "\n%s", oneLine(line))
	}
	return w.String()
}

// kind is the same for threads that are shown as one.
func (t thread) kind() string {
	if percent(t.share) > 0 || t.state == 'R' {
		return strconv.Itoa(t.tid)
	}
	return strings.Join([]string{t.name, string(t.state), t.callAndDescriptor(), t.channel, strings.Join(t.stack, " ")}, "\x00")
}

func (t thread) urgency() int { return strings.IndexByte("SRD", t.state) }

func (t thread) callAndDescriptor() string {
	if t.fd < 0 {
		return t.call
	}
	return fmt.Sprintf("%s(%d)", t.call, t.fd)
}

func tids(threads []thread) string {
	const most = 8
	var b strings.Builder
	for i, t := range threads {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(threads)-most)
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(t.tid))
	}
	return b.String()
}

func percent(share float64) int { return int(100*share + 0.5) }

func brief(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(100 * time.Microsecond)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// stateName is in words what proc_pid_stat(5) has as a letter.
func stateName(state byte) string {
	switch state {
	case 'R':
		return "running"
	case 'S':
		return "sleeping"
	case 'D':
		return "uninterruptible"
	case 'T':
		return "stopped"
	case 't':
		return "traced"
	case 'Z':
		return "zombie"
	case 'X':
		return "dead"
	}
	return string(rune(state))
}
