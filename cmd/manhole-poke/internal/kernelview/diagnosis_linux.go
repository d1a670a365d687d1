package kernelview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/cgroup"
)

// diagnosis says in a sentence or two what the view most likely means, and what
// to do. It gives the first cause only, because that explains the rest: a
// process that is frozen, stopped, or kept from the CPU may look like anything.
// stuck says that it makes no sense to wait.
func (v view) diagnosis() (text []string, stuck bool) {
	for _, read := range []func() verdict{
		v.stopped, v.overQuota, v.stoppingTheWorld, v.uninterruptible, v.starved, v.goScheduler, v.notGo,
	} {
		if d := read(); d.text != "" {
			return append([]string{d.text}, v.shortOfMemory()...), d.stuck
		}
	}
	return v.shortOfMemory(), false
}

// A verdict is what the threads most likely mean.
type verdict struct {
	text  string // "" for nothing
	stuck bool   // it makes no sense to wait
}

func stuck(format string, args ...any) verdict { return verdict{fmt.Sprintf(format, args...), true} }
func busy(format string, args ...any) verdict  { return verdict{fmt.Sprintf(format, args...), false} }

func (v view) having(has func(thread) bool) []thread { return keepThreads(v.threads, has) }

func keepThreads(threads []thread, has func(thread) bool) (kept []thread) {
	for _, t := range threads {
		if has(t) {
			kept = append(kept, t)
		}
	}
	return kept
}

// in reports whether the thread was found in one of these system calls.
func (t thread) in(calls ...string) bool {
	return slices.ContainsFunc(t.seen, func(c string) bool { return slices.Contains(calls, c) })
}

// System calls of threads that have nothing to do: they wait for other threads,
// a timer, the network or a signal.
var (
	naps  = []string{"nanosleep", "clock_nanosleep"}
	polls = []string{"epoll_pwait", "epoll_wait", "epoll_pwait2"}
	idle  = slices.Concat(naps, polls, []string{"futex", "rt_sigtimedwait", "rt_sigsuspend", "pause"})
)

// spinning returns the threads that run whenever they get a CPU, which others on
// this machine or its host may use as well.
func (v view) spinning() []thread {
	return v.having(func(t thread) bool {
		return t.share >= 0.25 && (t.share+t.waited >= 0.75 || t.state == 'R')
	})
}

// blocked returns the threads that wait in the kernel for something else than
// work. They may have run during the sample: the runtime interrupts threads that
// it believes to run Go code, after which they go on waiting.
func (v view) blocked() []thread {
	return v.having(func(t thread) bool {
		return t.state == 'D' || t.state == 'S' && t.call != "" && !slices.Contains(idle, t.call)
	})
}

// quiet reports that next to no CPU time is used.
func (v view) quiet() bool {
	return !slices.ContainsFunc(v.threads, func(t thread) bool { return t.share >= 0.02 })
}

// where says which tools show more without the process's help.
func (v view) where() string {
	if !v.isGo {
		return fmt.Sprintf("gdb -p %d or perf top -p %d shows where.", v.pid, v.pid)
	}
	return fmt.Sprintf("kill -QUIT %d prints all stacks and ends it; gdb -p %d or perf top -p %d shows more without that.", v.pid, v.pid, v.pid)
}

func (v view) stopped() verdict {
	all := func(states string) bool {
		return !slices.ContainsFunc(v.threads, func(t thread) bool { return !strings.ContainsRune(states, rune(t.state)) })
	}
	switch {
	case v.frozen != "":
		return stuck("It is frozen with its cgroup and does nothing until that is thawed: %s.", cgroup.ThawCommand(v.frozen))
	case all("ZX"):
		return stuck("It has exited, and its parent has not waited for it yet.")
	case all("tTZX") && v.tracer != 0:
		return stuck("It is stopped by its debugger, process %d, and does nothing until that continues it.", v.tracer)
	case all("tTZX"):
		return stuck("It is stopped by a signal and does nothing until kill -CONT %d.", v.pid)
	}
	return verdict{}
}

func (v view) overQuota() verdict {
	// A burst at the start costs one period in ten.
	if v.quota.Throttled == 0 || v.quota.Throttled*10 < v.quota.Periods {
		return verdict{}
	}
	return busy("Its cgroup may not use more CPU: the quota was used up in %d of %d periods (%s/cpu.stat). That slows down all of the process; raise the limit, or try a longer -t.",
		v.quota.Throttled, v.quota.Periods, v.throttled)
}

// stoppingTheWorld recognises a thread that tries to stop the world and cannot:
// it asks the threads that still run Go code and sleeps in futex for a tenth of
// a millisecond, over and over (stopTheWorldWithSema in runtime/proc.go). Two
// threads that pass work to each other look alike, but they are two. On a busy
// machine the thread asks less often. Where its calls are known, they decide: a
// busy program stops the world often, and one that cannot does so all the time.
func (v view) stoppingTheWorld() verdict {
	asking := v.having(func(t thread) bool {
		return t.turns >= 200 && t.share < 0.5 && (t.stops || !t.walked) && !slices.ContainsFunc(t.seen, func(c string) bool { return c != "" && c != "futex" })
	})
	if !v.isGo || len(asking) != 1 || len(v.having(func(t thread) bool { return t.in(polls...) })) > 0 {
		return verdict{}
	}
	text := fmt.Sprintf("Thread %d is trying to stop the world, as for a garbage collection, and asks again and again; until it succeeds, no goroutine runs. ", asking[0].tid)
	other := func(t thread) bool { return t.tid != asking[0].tid }
	holds := keepThreads(v.spinning(), other)
	if len(holds) == 0 { // where others use the CPUs
		holds = keepThreads(v.having(func(t thread) bool { return t.state == 'R' }), other)
	}
	switch {
	case len(holds) > 0 && v.noPreempt:
		text += threads(holds, "is", "are") + " in a loop and cannot be preempted, because GODEBUG has asyncpreemptoff=1. "
	case len(holds) > 0:
		text += threads(holds, "blocks", "block") + " it: a loop in assembly, or in other code that the runtime may not interrupt. "
	default:
		holds = v.blocked()
		// The runtime interrupts threads that it believes to run Go code, which
		// shows unless they wait uninterruptibly.
		if interrupted := keepThreads(holds, func(t thread) bool { return t.state == 'D' || !t.still }); len(interrupted) > 0 {
			holds = interrupted
		}
		if len(holds) != 1 {
			return stuck("%sCannot tell which thread blocks it. %s", text, v.where())
		}
		t := holds[0]
		text += threads(holds, "blocks", "block") + " it: " + cmp.Or(t.callAndDescriptor(), t.channel, "it is in the kernel")
		if cause := v.cause(t); cause != "" {
			text += cause + ". "
		} else {
			text += " was called without notice to the runtime, as by syscall.RawSyscall. "
		}
	}
	return stuck("%s%s%s", text, places(holds), v.where())
}

func (v view) uninterruptible() verdict {
	held := v.having(func(t thread) bool { return t.state == 'D' && t.still })
	if len(held) == 0 {
		return verdict{}
	}
	t := held[0]
	text := fmt.Sprintf("%s uninterruptibly in the kernel (%s)%s", threads(held, "waits", "wait"), cmp.Or(t.channel, "where is hidden"), v.cause(t))
	if v.isGo && t.call == "" && !v.hidden {
		text += "; this is not a system call but a page fault, so Go cannot give its P to another thread, and stopping the world waits for it"
	}
	// Others may run in the meantime.
	return busy("%s", strings.TrimSpace(text+". "+places(held)))
}

// cause says what a wait is probably for, from the names of kernel functions.
func (v view) cause(t thread) string {
	names := t.channel + " " + strings.Join(t.stack, " ")
	for _, c := range []struct{ cause, names string }{
		{"an NFS server that does not answer", "nfs rpc_"},
		{"a file system in user space (FUSE) that does not answer", "fuse request_wait_answer"},
		{"a forked child to call exec", "vfork kernel_clone"},
		{"memory within its cgroup's limit", "mem_cgroup"},
		{"a file system that is frozen, as by fsfreeze or for a snapshot", "sb_start_write percpu_rwsem_wait"},
		{"the lock on its memory, which another thread holds", "mmap_lock mmap_read mmap_write rwsem_down"},
		{"a disk", "io_schedule folio_wait wait_on_page blk_ jbd2 ext4 xfs btrfs submit_bio dm_"},
	} {
		for name := range strings.FieldsSeq(c.names) {
			if strings.Contains(names, name) {
				return ", probably for " + c.cause
			}
		}
	}
	return ""
}

func (v view) starved() verdict {
	starved := v.having(func(t thread) bool { return t.waited > 0.5 })
	if len(starved) == 0 {
		return verdict{}
	}
	return busy("%s more than half the time for a CPU that others use: the CPUs are overloaded, or its priority is low. %sSee top, and try a longer -t.", threads(starved, "waits", "wait"), places(starved))
}

// goScheduler says what the threads of the Go runtime do (runtime/proc.go). When
// no goroutine is ready, all wait in futex but one, which waits in epoll for
// network and timers, if the program uses any; an armed one does. sysmon sleeps
// in nanosleep while any goroutine runs.
func (v view) goScheduler() verdict {
	if !v.isGo {
		return verdict{}
	}
	spinning, blocked := v.spinning(), v.blocked()
	polling := len(v.having(func(t thread) bool { return t.in(polls...) })) > 0
	napping := slices.ContainsFunc(v.threads, func(t thread) bool { return slices.Contains(naps, t.call) })
	waits := func() string {
		return fmt.Sprintf("%s in %s%s", threads(blocked, "waits", "wait"), cmp.Or(blocked[0].callAndDescriptor(), blocked[0].channel), v.cause(blocked[0]))
	}
	switch {
	case v.hidden && len(spinning) == 0:
		return busy("It is nearly idle, and what it waits for is hidden.")
	case len(spinning) > 0 && len(spinning) >= v.cpus:
		return busy("%s all the CPU that it may use, %s; answers are slow. %sTry a longer -t.", threads(spinning, "uses", "use"), mode(spinning), places(spinning))
	case len(spinning) > 0 && !polling && !v.hidden:
		text := fmt.Sprintf("%s a CPU, %s, and nothing else runs. If GOMAXPROCS is %d, that is all that Go code has", threads(spinning, "burns", "burn"), mode(spinning), len(spinning))
		if v.noPreempt {
			text += ", and a loop cannot be preempted, because GODEBUG has asyncpreemptoff=1"
		}
		return verdict{text + ". " + places(spinning) + v.where(), v.noPreempt}
	case len(spinning) > 0:
		return busy("%s a CPU, %s. %s%s", threads(spinning, "burns", "burn"), mode(spinning), places(spinning), v.where())
	case polling && v.quiet() && !v.silent && len(blocked) > 0:
		return busy("%s", strings.TrimSpace(waits()+", others for network and timers, or for work. "+places(blocked)))
	case polling && v.quiet() && !v.silent:
		return busy("It has nothing to do: a thread waits for network and timers, the others for work.")
	case polling:
		return busy("Its scheduler works: a thread waits for network and timers. Try again, and look at its log.")
	case !v.quiet():
	case napping && len(blocked) > 0:
		return stuck("%s, and sysmon is awake, as while a thread runs Go code. So the runtime perhaps had no notice of the call, as with syscall.RawSyscall, and goroutines wait for its P. %s%s", waits(), places(blocked), v.where())
	case napping:
		return stuck("Nothing runs, but sysmon is awake: a thread that the runtime believes to run Go code is stuck. %s", v.where())
	case len(blocked) > 0:
		return busy("%s", strings.TrimSpace(waits()+"; nothing else runs. "+places(blocked)))
	case v.silent:
		return stuck("Every thread waits for another, and none for network or timers: a deadlock below Go's scheduler, in the runtime or in C code. %s", v.where())
	case slices.ContainsFunc(v.threads, func(t thread) bool { return t.call != "futex" }):
		return busy("All of its threads sleep.")
	default:
		return busy("Every thread waits for another: it has nothing to do, not even timers to wait for, or is in a deadlock below Go's scheduler.")
	}
	return busy("It runs now and then, so the scheduler should work. Try a longer -t, or again. %s", v.where())
}

func (v view) notGo() verdict {
	spinning := v.spinning()
	switch {
	case v.isGo:
		return verdict{}
	case len(spinning) > 0:
		return busy("%s a CPU, %s. %s", threads(spinning, "burns", "burn"), mode(spinning), v.where())
	case v.quiet():
		return busy("All of its threads sleep.")
	}
	return busy("It runs now and then.")
}

func (v view) shortOfMemory() (text []string) {
	if v.pressure >= 10 {
		text = append(text, fmt.Sprintf("Memory is short: for %.0f %% of the last ten seconds nothing in its cgroup, or on the machine, could run for lack of memory.", v.pressure))
	}
	if v.faults >= 50 {
		text = append(text, fmt.Sprintf("Its memory is being read back from disk: %d pages during the sample.", v.faults))
	}
	return text
}

func mode(spinning []thread) string {
	if slices.ContainsFunc(spinning, func(t thread) bool { return t.kernel >= 0.5 }) {
		return "mostly in the kernel"
	}
	return "in its own code"
}

func threads(t []thread, one, more string) string {
	if len(t) == 1 {
		return fmt.Sprintf("Thread %d %s", t[0].tid, one)
	}
	return fmt.Sprintf("%d threads (%s) %s", len(t), tids(t), more)
}
