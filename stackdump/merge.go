package stackdump

import "math"

// Merge counts the goroutines of several processes together: those with the same
// stack (function, file and line of every call) in the same state are one group,
// which knows in how many of the dumps it was.
//
// The shortest and the longest wait are those of all, and labels are counted
// together. Total, Skipped, Filtered and Missing are sums, Elapsed and Stopped
// the longest of all, and Taken is the earliest. Ids are dropped, for they mean
// something only within one process; so a Filter by wait or id comes before.
//
// If all dumps are full, groups that differ in their creator or in whether they
// are locked to a thread stay apart, as they do within one dump. If only some
// are, those are one group, because the others do not know either: its waits
// are those of the full dumps, its creator and lock what all of these agree
// on, and stacks deeper than 100 frames are compared as by Diff.
//
// One dump alone is returned as it is. The dumps are not changed, and what is
// made of them shares their stacks.
func Merge(dumps ...*Dump) *Dump {
	if len(dumps) == 1 {
		return dumps[0]
	}
	d := &Dump{system: len(dumps) > 0}
	for i, from := range dumps {
		if i == 0 || from.Taken.Before(d.Taken) {
			d.Taken = from.Taken
		}
		d.Elapsed, d.Stopped = max(d.Elapsed, from.Elapsed), max(d.Stopped, from.Stopped)
		d.Dumps += from.number()
		d.Grouped += from.numberGrouped()
		d.Total += from.Total
		d.Skipped += from.Skipped
		d.Filtered += from.Filtered
		d.Missing += from.Missing
		d.labelsDropped += from.labelsDropped
		d.unseen += from.unseen
		for _, f := range from.folded {
			d.addFolded(f.kind, f.count)
		}
		d.system = d.system && from.system
	}
	d.Full = d.Grouped == 0
	m := merger{g: newGrouper(""), more: map[*groupBuilder]*known{}, mixed: !d.Full && d.Grouped < d.Dumps}
	m.g.max = math.MaxInt // what the dumps hold is bounded already
	for _, from := range dumps {
		m.add(from)
	}
	d.Groups = m.groups()
	return d
}

// number is how many captures are in a dump.
func (d *Dump) number() int { return max(d.Dumps, 1) }

// numberGrouped is how many of them are grouped ones.
func (d *Dump) numberGrouped() int {
	if d.Dumps == 0 && !d.Full {
		return 1
	}
	return d.Grouped
}

type merger struct {
	g     *grouper
	mixed bool
	more  map[*groupBuilder]*known
}

// known is what a group of the grouper will have in the end, but must not have
// as long as it has to look like those that do not know.
type known struct {
	frames []Frame
	yet    bool // by and locked are those of a full dump
	by     Frame
	locked bool
}

func (m *merger) add(from *Dump) {
	full := from.numberGrouped() < from.number()
	in := map[*groupBuilder]int{} // the number of from's dumps that it was in
	for i := range from.Groups {
		g := &from.Groups[i]
		c, k := m.find(g)
		c.Count += g.Count
		c.System = g.System
		in[c] += max(g.Dumps, 1)
		for _, s := range g.Labels {
			m.g.label(c, s.Labels, s.Count)
		}
		switch {
		case !full:
		case !k.yet:
			k.yet, k.by, k.locked = true, g.CreatedBy, g.Locked
			c.MinWait, c.MaxWait = g.MinWait, g.MaxWait
		default:
			c.MinWait, c.MaxWait = min(c.MinWait, g.MinWait), max(c.MaxWait, g.MaxWait)
			k.locked = k.locked && g.Locked
			if k.by != g.CreatedBy {
				k.by = Frame{}
			}
		}
	}
	for c, n := range in {
		c.Dumps += min(n, from.number())
	}
}

func (m *merger) find(g *Group) (*groupBuilder, *known) {
	r := record{state: g.State, locked: g.Locked, by: g.CreatedBy, frames: g.Frames, ancestors: withoutIDs(g.Ancestors)}
	if m.mixed {
		r.locked, r.by, r.frames, r.ancestors = false, Frame{}, comparable(g.Frames), nil
	}
	c := m.g.group(&r)
	k := m.more[c]
	if k == nil {
		k = &known{frames: g.Frames}
		m.more[c] = k
	}
	return c, k
}

func (m *merger) groups() []Group {
	for c, k := range m.more {
		c.Frames, c.CreatedBy, c.Locked = k.frames, k.by, k.locked
	}
	return m.g.groups()
}
