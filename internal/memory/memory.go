// Package memory estimates how much more memory this process may allocate
// before a limit ends it or makes it spend its time collecting garbage.
package memory

import (
	"fmt"
	"math"
	"runtime/debug"
	"runtime/metrics"
)

// A Room is what the tightest limit leaves.
type Room struct {
	Bytes int64  // negative if no limit is known
	Limit string // which one it is, for people
}

// unlimited is a Room without a known limit.
var unlimited = Room{Bytes: -1}

// tighter returns the smaller of two rooms. Less than nothing counts as nothing.
func (r Room) tighter(bytes int64, limit string) Room {
	if bytes = max(bytes, 0); r.Bytes < 0 || bytes < r.Bytes {
		return Room{bytes, limit}
	}
	return r
}

// Fits reports whether need bytes fit, with a quarter to spare for the rest of
// the program.
func (r Room) Fits(need int64) bool {
	return r.Bytes < 0 || need <= math.MaxInt64/2 && need+need/4 <= r.Bytes
}

func (r Room) String() string {
	if r.Bytes < 0 {
		return "no limit is known"
	}
	return fmt.Sprintf("%s are left (%s)", Show(r.Bytes), r.Limit)
}

// Left returns what is left for Go's heap now: of the system's memory, of the
// limits of the cgroup and its ancestors (versions 1 and 2), of RLIMIT_AS and
// RLIMIT_DATA, and of GOMEMLIMIT. It reads some small files on Linux and knows
// only GOMEMLIMIT elsewhere. Half of what the runtime has free counts as left,
// because the rest may be in pieces. It is safe for concurrent use.
func Left() Room { return left(true) }

// LeftOutside returns the same for memory outside of Go's heap (mmap), for which
// what the runtime has free is of no use.
func LeftOutside() Room { return left(false) }

func left(forHeap bool) Room {
	h := readHeap()
	r := system(h, forHeap)
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		// The collector frees what is dead before it gives up.
		r = r.tighter(limit-h.used+h.dead, "GOMEMLIMIT")
	}
	if forHeap && r.Bytes >= 0 {
		r.Bytes += h.free / 2
	}
	return r
}

// heap is what the runtime has, in bytes.
type heap struct {
	used     int64 // of the system's memory
	free     int64 // of used
	released int64 // address space without memory
	mapped   int64 // address space of the heap
	dead     int64 // objects that the last collection did not find alive, or that are new
	stacks   int64 // of goroutines
}

func readHeap() heap {
	m := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(m)
	n := func(i int) int64 {
		if m[i].Value.Kind() != metrics.KindUint64 {
			return 0 // a later Go release may lack it
		}
		return int64(m[i].Value.Uint64())
	}
	return heap{
		used: n(0) - n(1), free: n(2), released: n(1),
		mapped: n(1) + n(2) + n(3) + n(4) + n(5),
		dead:   max(0, n(3)-n(6)),
		stacks: n(5),
	}
}

// Stacks returns what the stacks of that many goroutines take while a goroutine
// profile is made, estimated from the size of the goroutines' own: a deep one
// has more frames. Measured with Go 1.26 were 784 bytes for 10 frames and
// 5,400 for 126, nearly all of it allocated by package runtime/pprof; a profile
// has at most 128 frames.
func Stacks(goroutines int) int64 {
	each := readHeap().stacks / int64(max(goroutines, 1)) / 2
	return int64(goroutines)*min(max(each, 1<<10), 6<<10) + Fewest
}

// Fewest is what any dump or profile is assumed to need, in bytes.
const Fewest = 2 << 20

// Show prints a number of bytes.
func Show(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
}
