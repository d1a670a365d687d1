package kernelview

import (
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/cgroup"
)

func TestDiagnosis(t *testing.T) {
	calm := func(tid int, call string) thread {
		return thread{tid: tid, state: 'S', call: call, fd: -1, still: true, seen: []string{call}}
	}
	with := func(t thread, change func(*thread)) thread { change(&t); return t }
	stuck := func(call, channel string) thread {
		return with(calm(9, call), func(t *thread) { t.state, t.channel = 'D', channel })
	}
	spin := with(calm(7, ""), func(t *thread) { t.state, t.share, t.still = 'R', 1, false })
	for want, v := range map[string]view{
		"nothing to do": {isGo: true, cpus: 2, threads: []thread{calm(1, "futex"), calm(2, "epoll_pwait")}},
		"Thread 3 waits in wait4, others for network and timers": {isGo: true, cpus: 2, threads: []thread{calm(3, "wait4"), calm(2, "epoll_pwait")}},
		"scheduler works":                              {isGo: true, cpus: 2, silent: true, threads: []thread{calm(1, "futex"), calm(2, "epoll_pwait")}},
		"a deadlock below Go's scheduler, in":          {isGo: true, silent: true, cpus: 2, threads: []thread{calm(1, "futex"), calm(2, "futex")}},
		"not even timers to wait for":                  {isGo: true, cpus: 2, threads: []thread{calm(1, "futex"), calm(2, "futex")}},
		"Thread 3 waits in read; nothing else":         {isGo: true, cpus: 2, threads: []thread{calm(1, "futex"), calm(3, "read")}},
		"sysmon is awake: ":                            {isGo: true, cpus: 2, threads: []thread{calm(1, "futex"), calm(2, "nanosleep")}},
		"Thread 3 waits in flock, and sysmon is awake": {isGo: true, cpus: 2, threads: []thread{calm(1, "futex"), calm(2, "nanosleep"), calm(3, "flock")}},
		"an NFS server":                                {isGo: true, cpus: 2, threads: []thread{calm(1, "futex"), stuck("read", "rpc_wait_bit_killable")}},
		"not a system call but a page fault":           {isGo: true, cpus: 2, threads: []thread{calm(1, "futex"), stuck("", "folio_wait_bit_common")}},
		"for a disk":                                   {cpus: 2, threads: []thread{stuck("fsync", "jbd2_log_wait_commit")}},
		"FUSE":                                         {cpus: 2, threads: []thread{stuck("read", "request_wait_answer")}},
		"the lock on its memory":                       {cpus: 2, threads: []thread{with(stuck("mmap", "rwsem_down_write_slowpath"), func(t *thread) { t.stack = []string{"rwsem_down_write_slowpath", "vm_mmap_pgoff"} })}},
		"by its debugger, process 5":                   {isGo: true, tracer: 5, threads: []thread{with(calm(1, ""), func(t *thread) { t.state = 't' })}},
		"kill -CONT 4":                                 {pid: 4, threads: []thread{with(calm(1, ""), func(t *thread) { t.state = 'T' })}},
		"4 of 5 periods (/sys/x/cpu.stat)":             {isGo: true, throttled: "/sys/x", quota: cgroup.Quota{Throttled: 4, Periods: 5}, threads: []thread{spin}},
		"for a CPU that others use":                    {isGo: true, cpus: 2, threads: []thread{with(spin, func(t *thread) { t.share, t.waited = 0.2, 0.8 })}},
		"If GOMAXPROCS is 1":                           {isGo: true, cpus: 2, threads: []thread{spin, calm(1, "futex"), calm(2, "nanosleep")}},
		"Thread 7 burns a CPU, in its own code":        {isGo: true, cpus: 2, threads: []thread{spin, calm(1, "epoll_pwait")}},
		"Thread 7 burns a CPU, mostly in":              {cpus: 2, threads: []thread{with(spin, func(t *thread) { t.kernel = 1 })}},
		"Thread 7 blocks it: a loop in":                {isGo: true, cpus: 2, threads: []thread{spin, with(calm(1, "futex"), func(t *thread) { t.turns, t.share = 8000, 0.1 })}},
		"which thread blocks it":                       {isGo: true, cpus: 2, threads: []thread{with(calm(1, "futex"), func(t *thread) { t.turns, t.share = 8000, 0.1 })}},
		"Thread 3 blocks it: flock was called":         {isGo: true, cpus: 2, threads: []thread{calm(1, "read"), with(calm(3, "flock"), func(t *thread) { t.still = false }), with(calm(2, "futex"), func(t *thread) { t.turns, t.share = 8000, 0.1 })}},
		"Cannot tell which thread blocks it":           {isGo: true, cpus: 2, threads: []thread{calm(1, "read"), calm(3, "flock"), with(calm(2, "futex"), func(t *thread) { t.turns, t.share = 8000, 0.1 })}},
		"hidden":                                       {isGo: true, hidden: true, cpus: 2, threads: []thread{calm(1, "")}},
		"now and then, so the scheduler":               {isGo: true, cpus: 2, threads: []thread{with(calm(1, "futex"), func(t *thread) { t.share = 0.1 })}},
		"Memory is short: for 40 %":                    {pressure: 40, threads: []thread{calm(1, "read")}},
		"70 pages":                                     {faults: 70, threads: []thread{calm(1, "read")}},
	} {
		lines, _ := v.diagnosis()
		if got := strings.Join(lines, "\n"); !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
}

// Only what ends by itself is worth waiting for.
func TestStuck(t *testing.T) {
	asking := thread{tid: 1, state: 'S', call: "futex", fd: -1, seen: []string{"futex"}, turns: 8000, share: 0.1}
	spin := thread{tid: 7, state: 'R', fd: -1, share: 1, seen: []string{""}}
	for _, c := range []struct {
		v     view
		stuck bool
	}{
		{view{isGo: true, cpus: 2, threads: []thread{spin, asking}}, true},
		{view{isGo: true, cpus: 1, threads: []thread{spin, {tid: 1, state: 'S', call: "futex", fd: -1, seen: []string{"futex"}, turns: 8000, share: 0.1, walked: true}}}, false}, // it stops the world now and then
		{view{isGo: true, cpus: 1, threads: []thread{spin}}, false},
		{view{pid: 4, threads: []thread{{tid: 1, state: 'T'}}}, true},
	} {
		lines, stuck := c.v.diagnosis()
		if text := strings.Join(lines, " "); stuck != c.stuck || stuck && strings.Contains(text, "longer -t") {
			t.Errorf("stuck %v: %s", stuck, text)
		}
	}
}
