package stackdump

import (
	"context"
	"math/bits"
	"runtime"
	"time"

	"github.com/go-manhole/lazy/internal/memory"
	"github.com/go-manhole/lazy/internal/parked"
)

// maxText bounds the text of a full capture, in bytes. Half of what memory the
// system and the cgroup have left bounds it further, where that can be known.
const maxText = 1 << (26 + 6*(bits.UintSize/64)) // 4 GiB; 64 MiB where pointers have 32 bits

// full fills g from runtime.Stack in a process of about n goroutines.
func (d *Dump) full(ctx context.Context, g *grouper, n int, force bool) error {
	t := takeText(n, textBound(force))
	if d.objects {
		t.parked, _ = parked.List(maxParked)
	}
	labels, err := d.parse(ctx, g, &t)
	t.release() // g keeps nothing of it; the profile can have the room
	if err == nil && !labels {
		err = g.addLabels(ctx)
	}
	return err
}

// parse fills g from a text and reports whether there were labels in it.
func (d *Dump) parse(ctx context.Context, g *grouper, t *text) (labels bool, err error) {
	d.Full, d.Stopped = true, t.stopped
	m := memoryReader{list: t.parked}
	p := newTextParser()
	p.wantArgs = d.args
	p.parse(t.text, t.cut, func(r *record) bool {
		if r.object == 0 {
			r.object = m.object(r.id, r.state)
		}
		g.add(r)
		labels = labels || len(r.labels) > 0
		return g.total%1024 != 0 || ctx.Err() == nil
	})
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	d.Total = g.total
	if t.cut {
		d.Total = max(t.goroutines, g.total+1)
		d.Missing = d.Total - g.total
	}
	return labels, nil
}

// text is what runtime.Stack wrote.
type text struct {
	text       []byte
	cut        bool // there was more
	goroutines int  // how many there were just before
	stopped    time.Duration
	release    func()
	parked     []parked.Goroutine // in the order of their ids
}

// textBound returns how long a text may become.
func textBound(force bool) int {
	if force {
		return maxText
	}
	if left := memory.LeftOutside().Bytes; left >= 0 {
		return int(min(maxText, max(left/2, 64<<10)))
	}
	return maxText
}

// takeText stops the world once, if offHeap can reserve as much memory as the
// text could need at most: the stop is as long for a buffer that turns out too
// small as for one that is not. Otherwise it tries again with more.
func takeText(n, bound int) text {
	size := bound
	if n < (bound-1<<20)/perGoroutine {
		size = 1<<20 + n*perGoroutine
	}
	for {
		buf, release := offHeap(size)
		start := time.Now()
		used := runtime.Stack(buf, true)
		t := text{buf[:used], used == len(buf), n, time.Since(start), release, nil}
		if !t.cut || len(buf) < size || size >= bound {
			return t
		}
		size = min(4*size, bound)
		release()
	}
}

// Estimate returns how long a full capture of that many goroutines is expected to
// stop the world: 10 microseconds for each.
//
// Measured on an AMD EPYC with Go 1.26 were 4 microseconds for stacks of 3 frames
// on average, 6 for 6 frames and 8 to 13 for 12 frames, for a thousand goroutines
// as for a million. To that come some 40 nanoseconds for each goroutine that the
// process had at its peak and no longer has, a number that the runtime does not report.
func Estimate(goroutines int) time.Duration {
	return time.Duration(max(goroutines, 0)) * 10 * time.Microsecond
}

// FullStop returns how long a full capture of the goroutines of the dump is expected
// to stop the world: as Estimate says, or longer if the stacks are known to be deep.
func (d *Dump) FullStop() time.Duration {
	return max(Estimate(d.Total), d.Stopped, d.fullStop)
}

// estimate is Estimate for goroutines whose stacks are known: with 100 frames, the
// most that are printed, the stop was 200 microseconds for each.
func estimate(groups []Group) (d time.Duration) {
	for i := range groups {
		frames := min(len(groups[i].Frames), 100)
		d += time.Duration(groups[i].Count) * (10 + 2*time.Duration(max(frames-12, 0))) * time.Microsecond
	}
	return d
}
