package stackdump

import (
	"context"
	"slices"
	"time"

	"github.com/go-manhole/lazy/internal/parked"
)

// cycles finds cycles of locks: a goroutine that may hold one of them waits for the
// next. Each lock is in one cycle at most.
func cycles(objects []Object) (all [][]Link) {
	const (
		white = iota // not seen
		grey         // on the path
		black        // done
	)
	colour := make([]byte, len(objects))
	next := make([]int, len(objects)) // the edge to follow
	var path []int
	for start := range objects {
		if colour[start] != white {
			continue
		}
		path = append(path[:0], start)
		colour[start] = grey
		for len(path) > 0 {
			at := path[len(path)-1]
			if next[at] == len(objects[at].edges) {
				colour[at] = black
				path = path[:len(path)-1]
				continue
			}
			to := objects[at].edges[next[at]].to
			next[at]++
			switch colour[to] {
			case white:
				colour[to] = grey
				path = append(path, to)
			case grey:
				if len(all) == maxCycles {
					return all
				}
				var cycle []Link
				for _, i := range path[slices.Index(path, to):] {
					o := &objects[i]
					cycle = append(cycle, Link{o, o.edges[next[i]-1].holder})
				}
				all = append(all, cycle)
			}
		}
	}
	return all
}

// confirm drops the cycles with a lock that one of those that wait for it gets.
func (b *Blocked) confirm(ctx context.Context) {
	if b.Memory != nil {
		return
	}
	for n := 0; n < 5 && len(b.Cycles) > 0 && ctx.Err() == nil; n++ {
		time.Sleep(20 * time.Millisecond)
		list, err := parked.List(maxParked)
		if err != nil {
			return
		}
		var stack []uint64
		b.Cycles = slices.DeleteFunc(b.Cycles, func(cycle []Link) bool {
			for _, l := range cycle {
				for _, id := range l.Object.waiters {
					p := parked.Find(list, id)
					if p == nil {
						return true
					}
					stack = p.Stack(stack)
					// The semaphore is in the lock.
					if s := p.Semaphore(stack); s < l.Object.Addr || s > l.Object.Addr+16 {
						return true
					}
				}
			}
			return false
		})
	}
}
