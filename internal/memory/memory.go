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
	return fmt.Sprintf("%d MiB are left (%s)", r.Bytes>>20, r.Limit)
}

// Left returns what is left now: of the system's memory, of the limits of the
// cgroup and its ancestors (versions 1 and 2), of RLIMIT_AS and RLIMIT_DATA, and
// of GOMEMLIMIT. It reads some small files on Linux and knows only GOMEMLIMIT
// elsewhere. Memory that the runtime has free counts as left. It is safe for
// concurrent use.
func Left() Room {
	m := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(m)
	value := func(i int) int64 {
		if m[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return int64(m[i].Value.Uint64())
	}
	used, free := value(0)-value(1), value(2)
	r := system()
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		r = r.tighter(limit-used, "GOMEMLIMIT")
	}
	if r.Bytes >= 0 {
		r.Bytes += free
	}
	return r
}
