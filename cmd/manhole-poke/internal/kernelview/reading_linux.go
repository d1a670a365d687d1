package kernelview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/cgroup"
)

// reading says in a sentence or two what the view most likely means, and what
// to do. Only the first cause is given that explains the rest: a process that
// is frozen, stopped, or kept from the CPU may look like anything otherwise.
func (v view) reading() []string {
	for _, read := range []func() string{
		v.readHeld, v.readQuota, v.readWorld, v.readUninterruptible, v.readStarved, v.readScheduler, v.readOther,
	} {
		if text := read(); text != "" {
			return append([]string{text}, v.readMemory()...)
		}
	}
	return v.readMemory()
}

func (v view) having(has func(thread) bool) []thread { return keepThreads(v.threads, has) }

func keepThreads(threads []thread, has func(thread) bool) (kept []thread) {
	for _, t := range threads {
		if has(t) {
			kept = append(kept, t)
		}
	}
	return kept
}

// in says whether the thread was found in one of these system calls.
func (t thread) in(calls ...string) bool {
	return slices.ContainsFunc(t.seen, func(c string) bool { return slices.Contains(calls, c) })
}

// What threads do that have nothing to do: wait for others, for the time, for
// the network, for a signal.
var (
	naps  = []string{"nanosleep", "clock_nanosleep"}
	polls = []string{"epoll_pwait", "epoll_wait", "epoll_pwait2"}
	idle  = slices.Concat(naps, polls, []string{"futex", "rt_sigtimedwait", "rt_sigsuspend", "pause"})
)

// spinning threads run whenever they get a CPU, as far as others on the
// machine, this one or its host, let them.
func (v view) spinning() []thread {
	return v.having(func(t thread) bool {
		return t.share >= 0.25 && (t.share+t.waited >= 0.75 || t.state == 'R')
	})
}

// blocked threads are in the kernel for something that others need not wait for.
// They need not be still: the runtime interrupts those that it takes for running
// Go code, and then they go on waiting.
func (v view) blocked() []thread {
	return v.having(func(t thread) bool {
		return t.state == 'D' || t.state == 'S' && t.call != "" && !slices.Contains(idle, t.call)
	})
}

// quiet says that no CPU to speak of is used.
func (v view) quiet() bool {
	return !slices.ContainsFunc(v.threads, func(t thread) bool { return t.share >= 0.02 })
}

// where is what shows more without the process's help.
func (v view) where() string {
	if !v.isGo {
		return fmt.Sprintf("gdb -p %d or perf top -p %d shows where.", v.pid, v.pid)
	}
	return fmt.Sprintf("kill -QUIT %d prints all stacks and ends it; gdb -p %d or perf top -p %d shows more without that.", v.pid, v.pid, v.pid)
}

func (v view) readHeld() string {
	all := func(states string) bool {
		return !slices.ContainsFunc(v.threads, func(t thread) bool { return !strings.ContainsRune(states, rune(t.state)) })
	}
	switch {
	case v.frozen != "":
		return fmt.Sprintf("It is frozen with its cgroup and does nothing until that ends: %s.", cgroup.ThawCommand(v.frozen))
	case all("ZX"):
		return "It is dead, and only its parent has yet to notice."
	case all("tTZX") && v.tracer != 0:
		return fmt.Sprintf("It is stopped by its debugger, process %d, and does nothing until that lets it continue.", v.tracer)
	case all("tTZX"):
		return fmt.Sprintf("It is stopped by a signal and does nothing until kill -CONT %d.", v.pid)
	}
	return ""
}

func (v view) readQuota() string {
	// One period in ten is what a burst at a start costs.
	if v.quota.Throttled == 0 || v.quota.Throttled*10 < v.quota.Periods {
		return ""
	}
	return fmt.Sprintf("Its cgroup may not use more CPU: the quota was used up in %d of %d periods (%s/cpu.stat). All of it is slow for that; raise the limit, or try a longer -t.",
		v.quota.Throttled, v.quota.Periods, v.throttled)
}

// readWorld is for a world that somebody wants to stop and cannot: he asks the
// threads that still run Go code, and naps in futex for a tenth of
// a millisecond, over and over; stopTheWorldWithSema in runtime/proc.go. Threads
// that pass work to each other do that too, but then there are two. On a machine
// that has other things to do it gets to ask less often.
func (v view) readWorld() string {
	asking := v.having(func(t thread) bool {
		return t.turns >= 200 && t.share < 0.5 && !slices.ContainsFunc(t.seen, func(c string) bool { return c != "" && c != "futex" })
	})
	if !v.isGo || len(asking) != 1 || len(v.having(func(t thread) bool { return t.in(polls...) })) > 0 {
		return ""
	}
	text := fmt.Sprintf("Thread %d wants to stop the world, as a garbage collection does, and asks again and again; until it has, no goroutine runs. ", asking[0].tid)
	holds := keepThreads(v.spinning(), func(t thread) bool { return t.tid != asking[0].tid })
	switch {
	case len(holds) > 0 && v.noPreempt:
		text += threads(holds, "is", "are") + " in a loop and does not let go, because GODEBUG has asyncpreemptoff=1. "
	case len(holds) > 0:
		text += threads(holds, "does", "do") + " not let go: a loop in assembly, or elsewhere where the runtime may not interrupt it. "
	default:
		holds = v.blocked()
		// The runtime interrupts whom it takes for running Go code, and that
		// shows, unless the kernel does not let it.
		if interrupted := keepThreads(holds, func(t thread) bool { return t.state == 'D' || !t.still }); len(interrupted) > 0 {
			holds = interrupted
		}
		if len(holds) != 1 {
			return text + "Which thread does not let go is not to be seen. " + v.where()
		}
		t := holds[0]
		text += threads(holds, "does", "do") + " not let go: " + cmp.Or(t.callAndDescriptor(), t.channel, "it is in the kernel")
		if cause := v.cause(t); cause != "" {
			text += cause + ". "
		} else {
			text += " was called without telling the runtime, as syscall.RawSyscall does. "
		}
	}
	return text + v.where()
}

func (v view) readUninterruptible() string {
	stuck := v.having(func(t thread) bool { return t.state == 'D' && t.still })
	if len(stuck) == 0 {
		return ""
	}
	t := stuck[0]
	text := fmt.Sprintf("%s uninterruptibly in the kernel (%s)%s", threads(stuck, "waits", "wait"), cmp.Or(t.channel, "where is hidden"), v.cause(t))
	if v.isGo && t.call == "" && !v.hidden {
		text += "; that is no system call but a page of memory that does not come, so Go cannot give its processor to another thread, and whoever stops the world waits for it"
	}
	return text + "."
}

// cause is what the names in the kernel say about a wait.
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

func (v view) readStarved() string {
	starved := v.having(func(t thread) bool { return t.waited > 0.5 })
	if len(starved) == 0 {
		return ""
	}
	return threads(starved, "waits", "wait") + " more than half the time for a CPU that others use: these CPUs are overloaded, or its priority is low. See top, and try a longer -t."
}

// readScheduler reads what the threads of the Go runtime do, see
// runtime/proc.go. When no goroutine is ready, all wait in futex but one, which
// waits in epoll for network and timers, if the program has any; an armed one
// has. The monitor naps for as long as any goroutine runs.
func (v view) readScheduler() string {
	if !v.isGo {
		return ""
	}
	spinning, blocked := v.spinning(), v.blocked()
	polling := len(v.having(func(t thread) bool { return t.in(polls...) })) > 0
	napping := slices.ContainsFunc(v.threads, func(t thread) bool { return slices.Contains(naps, t.call) })
	switch {
	case v.hidden && len(spinning) == 0:
		return "Next to nothing of it runs, and what it waits for is hidden."
	case len(spinning) > 0 && len(spinning) >= v.cpus:
		return threads(spinning, "uses", "use") + " all the CPU that it may use, " + mode(spinning) + "; an answer takes its time. Try a longer -t."
	case len(spinning) > 0 && !polling && !v.hidden:
		text := fmt.Sprintf("%s a CPU, %s, and nothing else runs. If GOMAXPROCS is %d, that is all that Go code has", threads(spinning, "burns", "burn"), mode(spinning), len(spinning))
		if v.noPreempt {
			text += ", and a loop keeps it, because GODEBUG has asyncpreemptoff=1"
		}
		return text + ". " + v.where()
	case len(spinning) > 0:
		return fmt.Sprintf("%s a CPU, %s. %s", threads(spinning, "burns", "burn"), mode(spinning), v.where())
	case polling && v.quiet() && !v.silent && len(blocked) > 0:
		return fmt.Sprintf("%s in %s%s, others for network and timers, or for work.", threads(blocked, "waits", "wait"), cmp.Or(blocked[0].callAndDescriptor(), blocked[0].channel), v.cause(blocked[0]))
	case polling && v.quiet() && !v.silent:
		return "It has nothing to do: a thread waits for network and timers, the others for work."
	case polling:
		return "Its scheduler works: a thread waits for network and timers. Try again, and look at its log."
	case !v.quiet():
	case napping && len(blocked) > 0:
		t := blocked[0]
		return fmt.Sprintf("%s in %s%s, and the runtime's monitor is awake, as it is while it takes a thread for running Go code. So that was perhaps not told, as after syscall.RawSyscall, and what needs the processor waits. %s",
			threads(blocked, "sits", "sit"), cmp.Or(t.callAndDescriptor(), t.channel), v.cause(t), v.where())
	case napping:
		return "Nothing runs, but the runtime's monitor is awake: a thread that it takes for running is stuck. " + v.where()
	case len(blocked) > 0:
		t := blocked[0]
		return fmt.Sprintf("%s in %s%s; nothing else goes on.", threads(blocked, "waits", "wait"), cmp.Or(t.callAndDescriptor(), t.channel), v.cause(t))
	case v.silent:
		return "Every thread waits for another, and none for network or timers: a deadlock below Go's scheduler, in the runtime or in C code. " + v.where()
	case slices.ContainsFunc(v.threads, func(t thread) bool { return t.call != "futex" }):
		return "All of it sleeps."
	default:
		return "Every thread waits for another: it has nothing to do, not even timers to wait for, or is in a deadlock below Go's scheduler."
	}
	return "It runs now and then, so the scheduler should work. Try a longer -t, or again. " + v.where()
}

func (v view) readOther() string {
	spinning := v.spinning()
	switch {
	case v.isGo:
		return ""
	case len(spinning) > 0:
		return fmt.Sprintf("%s a CPU, %s. %s", threads(spinning, "burns", "burn"), mode(spinning), v.where())
	case v.quiet():
		return "All of it sleeps."
	}
	return "It runs now and then."
}

func (v view) readMemory() (text []string) {
	if v.pressure >= 10 {
		text = append(text, fmt.Sprintf("Memory is short: for %.0f %% of the last ten seconds nothing around it ran, for want of memory.", v.pressure))
	}
	if v.faults >= 50 {
		text = append(text, fmt.Sprintf("Its memory comes back from disk: %d pages while it was looked at.", v.faults))
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
