package stackdump

import (
	"cmp"
	"slices"

	"github.com/go-manhole/lazy/internal/order"
)

// Delta is what changed from one dump to a later one.
type Delta struct {
	Before, After *Dump

	// Each is sorted by how much the count changed, most first.
	New, Gone, Grown, Shrunk []Change

	Unchanged int // stacks with as many goroutines as before
}

// Change is how many goroutines had one stack.
type Change struct {
	Group         Group // as it is after; as it was before if it is gone
	Before, After int
}

// By returns how much the count changed.
func (c Change) By() int { return c.After - c.Before }

// Diff compares two dumps by stack alone, so that it does not matter in what
// state the goroutines happened to be, nor whether either dump is a full one.
// Groups that differ in nothing else are counted as one, which is the largest of them.
// Of stacks deeper than 100 frames the 50 innermost are compared, for that much
// of them is in either kind of dump.
//
// Dumps should have been filtered alike. The runtime's own goroutines are
// compared only if both were asked for them.
func Diff(before, after *Dump) *Delta {
	d := &Delta{Before: before, After: after}
	hasher := newGrouper("")
	byHash := map[uint64][]int{} // places in changes, for which a hash can be ambiguous
	var changes []Change
	find := func(g *Group) int {
		stack := comparable(g.Frames)
		sum := hasher.hash(&record{frames: stack})
		for _, i := range byHash[sum] {
			if slices.Equal(comparable(changes[i].Group.Frames), stack) {
				return i
			}
		}
		i := len(changes)
		byHash[sum] = append(byHash[sum], i)
		changes = append(changes, Change{Group: *g})
		return i
	}
	// After comes first, so that its groups, which are sorted, stand for all.
	system := before.system && after.system
	for i := range after.Groups {
		if g := &after.Groups[i]; system || !g.System {
			changes[find(g)].After += g.Count
		}
	}
	for i := range before.Groups {
		if g := &before.Groups[i]; system || !g.System {
			changes[find(g)].Before += g.Count
		}
	}
	for _, c := range changes {
		switch {
		case c.Before == 0:
			d.New = append(d.New, c)
		case c.After == 0:
			d.Gone = append(d.Gone, c)
		case c.After > c.Before:
			d.Grown = append(d.Grown, c)
		case c.After < c.Before:
			d.Shrunk = append(d.Shrunk, c)
		default:
			d.Unchanged++
		}
	}
	for _, list := range [][]Change{d.New, d.Gone, d.Grown, d.Shrunk} {
		order.Sort(list, func(a, b Change) int {
			return cmp.Or(cmp.Compare(abs(b.By()), abs(a.By())), compareGroups(a.Group, b.Group))
		})
	}
	return d
}

// comparable returns the part of a stack that is in either kind of dump.
func comparable(frames []Frame) []Frame {
	if len(frames) > 100 || slices.ContainsFunc(frames, func(f Frame) bool { return f.File == "" }) {
		return frames[:min(50, len(frames))]
	}
	return frames
}

func abs(n int) int { return max(n, -n) }
