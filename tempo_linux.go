//go:build linux && (amd64 || arm64) && !lazy_ossignal

package lazy

import (
	"time"

	"golang.org/x/sys/unix"
)

// A tick in an idle process wakes threads that sleep; what that costs was
// measured between 200 and 350 microseconds of CPU on one machine. In a busy
// process it is a small fraction of it.
const tickCost = 300 * time.Microsecond

// The shares of one core that ticks may take: the first always, the second of
// what the process itself uses.
const (
	shareOfIdle = 0.0004
	shareOfBusy = 0.02
)

const (
	fastest = pace
	slowest = 800 * time.Millisecond // about tickCost / shareOfIdle
)

// A tempo says when to look at the doorbell next: soon in a process that burns
// CPU, so that its ring is answered when it matters, seldom in one that
// sleeps, so that it can go on sleeping. After a session, and in the
// beginning, it starts fast and slows down, since where one ring was the next
// is likely.
type tempo struct {
	cap  time.Duration
	wall time.Time
	cpu  time.Duration
}

func (t *tempo) restart() time.Duration {
	t.cap = 2 * fastest
	t.wall, t.cpu = time.Now(), processCPU()
	return t.cap
}

func (t *tempo) next() time.Duration {
	wall, cpu := time.Now(), processCPU()
	cores := float64(cpu-t.cpu) / float64(max(wall.Sub(t.wall), 1))
	t.wall, t.cpu = wall, cpu
	t.cap = min(2*t.cap, slowest)
	return min(periodFor(cores), t.cap)
}

// periodFor is the time between ticks for a process that uses so many cores.
func periodFor(cores float64) time.Duration {
	period := time.Duration(float64(tickCost) / (shareOfIdle + shareOfBusy*cores))
	return min(max(period, fastest), slowest)
}

// processCPU is the CPU time that all threads have used.
func processCPU() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
