package kernelview

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/buildinfo"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/cgroup"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/gostack"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
)

// A process is sampled for so long and so often, because what a thread does most
// of the time is not always what it is found doing. CPU quotas have periods of a
// tenth of a second, so five of them are covered.
const (
	sampleTime = 500 * time.Millisecond
	samples    = 6
)

// A Process is what [Describe] needs to know beforehand.
type Process struct {
	PID  int
	Name string // what the view calls it, such as "process 1 (init)"

	// IsGo says that the process is known to be a Go program. Otherwise its
	// executable is read to find out.
	IsGo bool

	// Silent says that the process was asked for something and did not answer.
	Silent bool

	// AsOwner calls a function once, as the process's user, who may see more.
	// If that would not help or is not possible, it does not call it. It must
	// not be nil.
	AsOwner func(func())
}

// A Report is what [Describe] found out.
type Report struct {
	// Text is a table of the threads, where in a Go program they are, and a
	// sentence or two on what that most likely means and what to do. It has
	// several lines, all printable, and no newline at its end. A question mark
	// stands for what the caller may not see, and the text says which user may.
	Text string

	// Stuck says that it makes no sense to wait: something else has to happen
	// first.
	Stuck bool
}

// Describe watches the process for half a second, and up to a few seconds longer
// if reading its files blocks. Threads of a Go program that run are stopped to
// see where they are, each six times for less than a millisecond, if the caller
// may trace them.
//
// Describe fails if the process or all of its threads are gone. It is safe for
// concurrent use.
func Describe(p Process) (Report, error) {
	v, err := p.sample()
	if err != nil {
		return Report{}, err
	}
	text, stuck := v.report()
	return Report{text, stuck}, nil
}

func (p Process) proc(name string) string { return fmt.Sprintf("/proc/%d/%s", p.PID, name) }

// A moment is what was read of a thread at one time.
type moment struct {
	procfs.Stat
	procfs.Schedstat
	procfs.Syscall
	channel string
	hidden  bool
	calls   []gostack.Frame // if they were looked at
}

func (p Process) sample() (view, error) {
	v := view{process: p.Name, pid: p.PID, isGo: p.IsGo, silent: p.Silent}
	text, err := procfs.ReadFile(p.proc("status"))
	if err != nil {
		return v, err
	}
	if s, err := procfs.ParseStatus(text); err == nil {
		v.cpus, v.tracer = s.CPUs, s.Tracer
	}
	if !v.isGo {
		v.isGo, _ = soon(func() bool { _, err := buildinfo.ReadFile(p.proc("exe")); return err == nil })
	}
	v.noPreempt, _ = soon(func() bool {
		environ, _ := procfs.ReadFile(p.proc("environ"))
		return procfs.PreemptionOff(environ)
	})
	g := cgroup.Of(p.PID)
	v.frozen = g.Frozen()
	v.pressure = g.Pressure()

	quotas := g.Quotas()
	var threads map[int][]moment
	watch := func() {
		var w *walker
		if v.isGo {
			w = openProgram(p.PID)
		}
		threads, v.took = p.watch(w)
		v.barred = w != nil && w.barred
		w.close()
	}
	if m, _ := momentOf(p.proc(fmt.Sprintf("task/%d", p.PID))); m.hidden {
		p.AsOwner(watch)
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
		return v, errors.New("none of its threads is left")
	}
	return v, nil
}

// soon gives up on a function that may block for ever: on a file system that
// hangs, or on the memory of a process whose lock a stuck thread holds.
func soon[T any](f func() T) (v T, ok bool) {
	c := make(chan T, 1)
	go func() { c <- f() }()
	select {
	case v = <-c:
		return v, true
	case <-time.After(sampleTime):
		return v, false
	}
}

// watch samples all threads.
func (p Process) watch(w *walker) (threads map[int][]moment, took time.Duration) {
	began := time.Now()
	for i := range samples {
		if i > 0 {
			time.Sleep(sampleTime / (samples - 1))
		}
		now := p.moments()
		took = time.Since(began)
		calls := w.calls(now, i == 0 || i == samples-1)
		before := threads
		threads = make(map[int][]moment, len(now)) // without those that have ended
		for tid, m := range now {
			m.calls = calls[tid]
			threads[tid] = append(before[tid], m)
		}
	}
	return threads, took
}

// moments reads what all threads do now.
func (p Process) moments() map[int]moment {
	threads, err := os.ReadDir(p.proc("task"))
	if err != nil {
		return nil
	}
	moments := make(map[int]moment, len(threads))
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if m, ok := momentOf(p.proc("task/" + t.Name())); ok {
			moments[tid] = m
		}
	}
	return moments
}

func momentOf(dir string) (m moment, ok bool) {
	text, err := procfs.ReadFile(dir + "/stat")
	if err == nil {
		m.Stat, err = procfs.ParseStat(text)
	}
	if err != nil {
		return m, false
	}
	m.Ran = m.User + m.System
	// To the nanosecond, where the kernel keeps it.
	if text, err := procfs.ReadFile(dir + "/schedstat"); err == nil {
		if s, err := procfs.ParseSchedstat(text); err == nil && s.Ran > 0 {
			m.Schedstat = s
		}
	}
	text, err = procfs.ReadFile(dir + "/syscall")
	if err == nil {
		m.Syscall, err = procfs.ParseSyscall(text)
	}
	if err != nil {
		m.hidden, m.Number = true, procfs.NoSyscall
	}
	if text, err := procfs.ReadFile(dir + "/wchan"); err == nil && string(text) != "0" {
		m.channel = string(text)
	}
	return m, true
}

// threadOf sums up the moments of a thread.
func threadOf(moments []moment, took time.Duration) thread {
	first, last := moments[0], moments[len(moments)-1]
	t := thread{name: last.Name, used: last.Ran, fd: -1}
	t.share = float64(last.Ran-first.Ran) / float64(took)
	usual := usualOf(moments)
	if t.share < 0.25 {
		// A thread that mostly sleeps is described by its sleep, not by what it
		// does when it wakes up.
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
	t.calls = usualCalls(moments)
	t.stops, t.walked = stopsTheWorld(moments)
	return t
}

// usualOf returns the latest of the moments that are most alike.
func usualOf(moments []moment) (usual moment) {
	type likeness struct {
		state   byte
		number  int
		channel string
	}
	count, highest := map[likeness]int{}, 0
	for _, m := range moments {
		l := likeness{m.State, m.Number, m.channel}
		if count[l]++; count[l] >= highest {
			usual, highest = m, count[l]
		}
	}
	return usual
}

// callsWithDescriptor are system calls that may block and whose first argument
// is a descriptor.
var callsWithDescriptor = []string{
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "sendfile", "splice",
	"accept", "accept4", "connect", "recvfrom", "recvmsg", "sendto", "sendmsg",
	"fsync", "fdatasync", "flock", "fcntl", "ioctl", "getdents64", "fstat", "ftruncate", "fallocate",
}

func callName(s procfs.Syscall) string {
	if s.Number == procfs.NoSyscall {
		return ""
	}
	// The names are those of this machine's architecture, and wrong for a 32-bit
	// process on a 64-bit machine.
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
	text, err := procfs.ReadFile(name)
	if err != nil {
		return nil
	}
	return procfs.ParseKernelStack(text)
}
