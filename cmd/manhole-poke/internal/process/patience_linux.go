package process

import (
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
)

// A process that waits for a file system, and one that gets no CPU because the
// machine is overloaded, are late alike. Only the first will stay so. Therefore a
// child's time is spent only while none of its threads can run, up to this many
// times its limit.
const maxPatience = 10

// await receives what a child, or a goroutine of this process, sends. late
// reports that nothing came within the limit.
func await[T any](from <-chan T, limit time.Duration, pid int) (got T, ok, late bool) {
	const parts = 20
	tick := time.NewTicker(limit / parts)
	defer tick.Stop()
	start := time.Now()
	for spent := 0; spent < parts && time.Since(start) < maxPatience*limit; {
		select {
		case got, ok = <-from:
			return got, ok, false
		case <-tick.C:
			if !runnable(pid) {
				spent++
			}
		}
	}
	select {
	case got, ok = <-from:
		return got, ok, false
	default:
		return got, false, true
	}
}

var sampled struct { // by runnable, which hundreds ask at once
	sync.Mutex
	pid    int
	when   time.Time
	answer bool
}

// runnable reports whether a process has a thread that runs or would if it had a
// CPU, besides the thread that asks.
func runnable(pid int) bool {
	sampled.Lock()
	defer sampled.Unlock()
	if sampled.pid == pid && time.Since(sampled.when) < viewTime/40 {
		return sampled.answer
	}
	task := "/proc/" + strconv.Itoa(pid) + "/task/"
	threads, _ := os.ReadDir(task)
	n := 0
	for _, t := range threads {
		text, _ := procfs.ReadFile(task + t.Name() + "/stat")
		if s, err := procfs.ParseStat(text); err == nil && s.State == 'R' {
			n++
		}
	}
	if pid == os.Getpid() {
		n--
	}
	sampled.pid, sampled.when, sampled.answer = pid, time.Now(), n > 0
	return n > 0
}

// A patientReader reads what a child writes, which may be silent for a limit.
type patientReader struct {
	from  *os.File
	pid   int
	limit time.Duration
}

func (r *patientReader) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	read := make(chan result, 1)
	r.from.SetReadDeadline(time.Time{})
	go func() {
		n, err := r.from.Read(p)
		read <- result{n, err}
	}()
	got, _, late := await(read, r.limit, r.pid)
	if late {
		r.from.SetReadDeadline(time.Unix(1, 0))
		got = <-read
	}
	return got.n, got.err
}
