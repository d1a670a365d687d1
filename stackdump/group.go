package stackdump

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/go-manhole/lazy/internal/order"
)

// maxHeld bounds what a grouper holds, in bytes (estimated). It is reached by
// some 100,000 different stacks, or by four million ids.
const maxHeld = 64 << 20

// record is what a parser found: count goroutines with the same stack. The
// slices are valid only until the parser goes on.
type record struct {
	count  int
	id     uint64
	state  string
	wait   int32 // minutes
	locked bool
	labels []Label
	frames []Frame
	by     Frame
	parent uint64
	object uint64 // that it waits for, or 0
	args   []byte // a line for each frame, if they are wanted

	ancestors []Ancestor
	labelsCut bool // labels has not all of them
}

// grouper merges records into groups.
type grouper struct {
	skip          string // goroutines with this function in their stack
	seed          maphash.Seed
	byHash        map[uint64][]*groupBuilder
	stacks        map[uint64][]*groupBuilder // by frames alone; see byStack
	held          int
	max           int
	total         int
	skipped       int
	missing       int
	labelsDropped int // goroutines whose labels are not held
	args          []byte
}

type groupBuilder struct {
	Group
	bySet    map[string]int // labels joined -> place in Labels
	byArgs   map[string]int // place in args
	labelled int            // goroutines that addLabels found labels for
}

func newGrouper(skip string) *grouper {
	return &grouper{skip: skip, seed: maphash.MakeSeed(), byHash: map[uint64][]*groupBuilder{}, max: maxHeld}
}

// entry returns the outermost function of a stack.
func entry(frames []Frame) string {
	for i := len(frames) - 1; i >= 0; i-- {
		if frames[i].File != "" {
			return frames[i].Func
		}
	}
	return ""
}

func (g *grouper) skips(frames []Frame) bool {
	return g.skip != "" && slices.ContainsFunc(frames, func(f Frame) bool { return f.Func == g.skip })
}

func (g *grouper) add(r *record) {
	g.total += r.count
	if g.skips(r.frames) {
		g.skipped += r.count
		return
	}
	group := g.group(r)
	if group == nil {
		g.missing += r.count
		return
	}
	group.Count += r.count
	wait := time.Duration(r.wait) * time.Minute
	group.MinWait, group.MaxWait = min(group.MinWait, wait), max(group.MaxWait, wait)
	if group.Parent != r.parent {
		group.Parent = 0
	}
	group.joinAncestors(r.ancestors)
	if r.labelsCut {
		g.labelsDropped += r.count
	}
	set := g.label(group, r.labels, r.count)
	if r.id != 0 && g.hold(24) {
		if r.object != 0 && group.objects == nil {
			group.objects = make([]uint64, len(group.IDs), cap(group.IDs))
		}
		if group.objects != nil {
			group.objects = append(group.objects, r.object)
		}
		if r.args != nil {
			group.argsOf = append(group.argsOf, g.argumentSet(group, r.args))
		}
		group.IDs = append(group.IDs, r.id)
		group.waits = append(group.waits, r.wait)
		group.sets = append(group.sets, set)
	}
}

// group returns the group that a record belongs to, a new and empty one if need
// be, or nil if there is no room for it.
func (g *grouper) group(r *record) *groupBuilder {
	h := g.hash(r)
	for _, c := range g.byHash[h] {
		if c.State == r.state && c.Locked == r.locked && c.CreatedBy == r.by && slices.Equal(c.Frames, r.frames) && sameAncestors(c.Ancestors, r.ancestors) {
			return c
		}
	}
	if !g.hold(300 + 40*(len(r.frames)+ancestorFrames(r.ancestors))) {
		return nil
	}
	c := &groupBuilder{Group: Group{
		State: r.state, Locked: r.locked, System: system(entry(r.frames)),
		MinWait: time.Duration(r.wait) * time.Minute,
		Frames:  slices.Clone(r.frames), CreatedBy: r.by, Parent: r.parent,
		Ancestors: slices.Clone(r.ancestors),
	}}
	g.byHash[h] = append(g.byHash[h], c)
	return c
}

// label counts a set of labels in the group and returns its place, or -1 if
// there are none or no room for them.
func (g *grouper) label(group *groupBuilder, labels []Label, count int) int32 {
	if len(labels) == 0 {
		return -1
	}
	labels = slices.Clone(labels)
	order.Sort(labels, compareLabels)
	var b strings.Builder
	for _, l := range labels {
		b.WriteString(l.Key)
		b.WriteByte(0)
		b.WriteString(l.Value)
		b.WriteByte(0)
	}
	i, ok := group.bySet[b.String()]
	if !ok {
		if !g.hold(150 + 2*b.Len()) {
			g.labelsDropped += count
			return -1
		}
		if group.bySet == nil {
			group.bySet = map[string]int{}
		}
		i = len(group.Labels)
		group.bySet[b.String()] = i
		group.Labels = append(group.Labels, LabelSet{Labels: labels})
	}
	group.Labels[i].Count += count
	return int32(i)
}

func (g *grouper) hold(n int) bool {
	if g.held+n > g.max {
		return false
	}
	g.held += n
	return true
}

func (g *grouper) hash(r *record) uint64 {
	var h maphash.Hash
	h.SetSeed(g.seed)
	h.WriteString(r.state)
	frame := func(f *Frame) {
		h.WriteString(f.Func)
		h.WriteByte(0)
		h.WriteString(f.File)
		h.WriteByte(byte(f.Line))
		h.WriteByte(byte(f.Line >> 8))
	}
	frame(&r.by)
	for i := range r.frames {
		frame(&r.frames[i])
	}
	for i := range r.ancestors {
		frame(&r.ancestors[i].CreatedBy)
		for k := range r.ancestors[i].Frames {
			frame(&r.ancestors[i].Frames[k])
		}
	}
	return h.Sum64()
}

// byStack returns the groups with these frames, whatever else they differ in.
func (g *grouper) byStack(frames []Frame) []*groupBuilder {
	if g.stacks == nil {
		g.stacks = map[uint64][]*groupBuilder{}
		for _, list := range g.byHash {
			for _, c := range list {
				h := g.hash(&record{frames: c.Frames})
				g.stacks[h] = append(g.stacks[h], c)
			}
		}
	}
	var found []*groupBuilder
	for _, c := range g.stacks[g.hash(&record{frames: frames})] {
		if slices.Equal(c.Frames, frames) {
			found = append(found, c)
		}
	}
	return found
}

// groups returns what was gathered, sorted. The grouper is used up.
func (g *grouper) groups() []Group {
	var groups []Group
	for _, list := range g.byHash {
		for _, c := range list {
			groups = append(groups, c.sorted())
		}
	}
	order.Sort(groups, compareGroups)
	return groups
}

// sorted returns the group with its ids and labels in order.
func (c *groupBuilder) sorted() Group {
	if !slices.IsSorted(c.IDs) {
		places := make([]int, len(c.IDs))
		for i := range places {
			places[i] = i
		}
		order.Sort(places, func(a, b int) int { return cmp.Compare(c.IDs[a], c.IDs[b]) })
		c.Group = c.pick(places)
	}
	if len(c.Labels) > 1 {
		places := make([]int, len(c.Labels))
		for i := range places {
			places[i] = i
		}
		order.Sort(places, func(a, b int) int {
			return cmp.Or(cmp.Compare(c.Labels[b].Count, c.Labels[a].Count),
				slices.CompareFunc(c.Labels[a].Labels, c.Labels[b].Labels, compareLabels))
		})
		labels, place := make([]LabelSet, len(places)), make([]int32, len(places))
		for to, from := range places {
			labels[to], place[from] = c.Labels[from], int32(to)
		}
		for i, s := range c.sets {
			if s >= 0 {
				c.sets[i] = place[s]
			}
		}
		c.Labels = labels
	}
	return c.Group
}

// pick returns a copy of the group whose IDs, and what is known of each, are those at the
// given places. Nothing else is changed.
func (g *Group) pick(places []int) Group {
	p := *g
	p.IDs, p.waits, p.sets, p.objects, p.argsOf = make([]uint64, len(places)), make([]int32, len(places)), nil, nil, nil
	if g.argsOf != nil {
		p.argsOf = make([]int32, len(places))
	}
	if g.objects != nil {
		p.objects = make([]uint64, len(places))
	}
	if g.sets != nil {
		p.sets = make([]int32, len(places))
	}
	for to, from := range places {
		p.IDs[to], p.waits[to] = g.IDs[from], g.waits[from]
		if g.sets != nil {
			p.sets[to] = g.sets[from]
		}
		if g.argsOf != nil {
			p.argsOf[to] = g.argsOf[from]
		}
		if g.objects != nil {
			p.objects[to] = g.objects[from]
		}
	}
	return p
}

func compareLabels(a, b Label) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value))
}

// compareGroups sorts by count, then so that the order of two dumps of the same
// goroutines is the same.
func compareGroups(a, b Group) int {
	return cmp.Or(
		cmp.Compare(b.Count, a.Count),
		cmp.Compare(a.State, b.State),
		slices.CompareFunc(a.Frames, b.Frames, compareFrames),
		compareFrames(a.CreatedBy, b.CreatedBy),
	)
}

func compareFrames(a, b Frame) int {
	return cmp.Or(cmp.Compare(a.Func, b.Func), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

// system reports whether a goroutine with this outermost function serves the
// runtime or the standard library's signal handling rather than the program.
func system(entry string) bool {
	return strings.HasPrefix(entry, "runtime.") && entry != "runtime.main" ||
		strings.HasPrefix(entry, "runtime/") && !strings.HasPrefix(entry, "runtime/pprof.Do") ||
		entry == "os/signal.loop"
}
