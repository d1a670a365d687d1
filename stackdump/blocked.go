package stackdump

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/go-manhole/lazy/internal/order"
	"github.com/go-manhole/lazy/internal/parked"
	"github.com/go-manhole/lazy/internal/symbols"
)

// Bounds of what Blocked holds.
const (
	maxObjects = 1 << 16
	maxPlaces  = 8 // groups of an object
	maxHolders = 8 // goroutines that may hold an object
	maxWaiters = 256
	maxEdges   = 64 // those of them that wait for another
	maxCycles  = 10
	maxBefore  = 128 // bytes from the start of a struct to a lock in it
)

// Blocked is what goroutines wait for: locks, wait groups, conditions and channels.
type Blocked struct {
	Dump    *Dump    // the waiting goroutines and the others, after the filter
	Objects []Object // the most waited for first
	Waiters int      // goroutines that wait for something of these kinds
	Unknown int      // of those, the ones of which it is not known for what
	More    int      // objects that did not fit

	// Cycles are goroutines that each wait for a lock that the next may hold.
	Cycles [][]Link

	// Memory is why the runtime's memory was not read, or nil. Channels, most
	// RWMutexes, and what is on stacks but no argument are not known then.
	Memory error
}

// Object is something that goroutines wait for.
type Object struct {
	Kind             string // as of Group.WaitsOn
	Addr             uint64
	Name             string // of the package variable, if the executable has a symbol table
	Waiters          int
	MinWait, MaxWait time.Duration
	Places           []Place // where they wait, the most waiters first; at most 8

	// Holders are other goroutines that have the object in their frames. Of a
	// Mutex or RWMutex they may hold it, of the others they may be those that are
	// waited for. There are at most 8, and MoreHolders beyond them.
	Holders     []Holder
	MoreHolders int

	waiters []uint64 // ids of those that wait, 256 at most
	edges   []edge
}

// Place is a group, of which Count goroutines wait for an object.
type Place struct {
	Group *Group
	Count int
}

// Holder is a goroutine in whose frames an object is.
type Holder struct {
	ID    uint64
	Group *Group

	// Func is the function that has, as an argument, a pointer to the object or
	// to Before bytes in front of it, where the struct begins that contains it.
	// If it is empty, the object's address is on the goroutine's stack.
	Func   string
	Before uint64
}

// Link is a part of a cycle: the goroutine Holder may hold Object, and waits for that of
// the next.
type Link struct {
	Object *Object
	Holder Holder
}

// edge is a goroutine that may hold an object and waits for another.
type edge struct {
	holder Holder
	to     int // place in Objects
}

// waiter is a goroutine of a dump.
type waiter struct {
	id     uint64
	group  *Group
	object uint64
}

// CaptureBlocked captures all goroutines as Capture does with Full and Objects, and
// looks for what those that pass the filter wait for.
//
// At locks that may be in a deadlock it looks again for 100 milliseconds: those that
// one of the goroutines got in between are in none.
func CaptureBlocked(ctx context.Context, o Options, f Filter) (*Blocked, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	n := runtime.NumGoroutine()
	held, err := checkMemory(n, true, o.Force)
	if err != nil {
		return nil, err
	}
	d := &Dump{Taken: time.Now()}
	g := newGrouper(o.SkipFunc)
	g.max = held
	t := takeText(n, textBound(o.Force))
	defer t.release()
	var unknown error
	t.parked, unknown = parked.List(maxParked)
	labels, err := d.parse(ctx, g, &t)
	if err == nil && !labels && len(f.Label) > 0 {
		err = g.addLabels(ctx)
	}
	if err != nil {
		return nil, err
	}
	d.Skipped, d.Missing, d.labelsDropped = g.skipped, d.Missing+g.missing, g.labelsDropped
	d.Groups = g.groups()
	b := newBlocked(d, &t, f)
	b.name()
	b.Memory = unknown
	b.confirm(ctx)
	d.Elapsed = time.Since(d.Taken)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return b, nil
}

// name names those objects that are package variables.
func (b *Blocked) name() {
	addresses, places := make([]uint64, 0, len(b.Objects)), make(map[uint64]int, len(b.Objects))
	for i := range b.Objects {
		addresses = append(addresses, b.Objects[i].Addr)
		places[b.Objects[i].Addr] = i
	}
	order.Sort(addresses, cmp.Compare)
	// Without a symbol table the addresses have to do.
	_ = symbols.Find(addresses, func(address uint64, name string) { b.Objects[places[address]].Name = name })
}

// newBlocked looks for what the goroutines of d wait for, and in the text for what
// may hold it.
func newBlocked(d *Dump, t *text, f Filter) *Blocked {
	b := &Blocked{Dump: d.Filter(f)}
	a := analysis{b: b, byAddr: map[uint64]int{}, memory: memoryReader{list: t.parked}}
	for i := range b.Dump.Groups {
		a.group(&b.Dump.Groups[i])
	}
	for i := range d.Groups {
		g := &d.Groups[i]
		for j, id := range g.IDs {
			a.waiters = append(a.waiters, waiter{id, g, g.Object(j)})
		}
	}
	order.Sort(a.waiters, func(x, y waiter) int { return cmp.Compare(x.id, y.id) })
	order.Sort(b.Objects, func(x, y Object) int {
		return cmp.Or(cmp.Compare(y.Waiters, x.Waiters), cmp.Compare(y.MaxWait, x.MaxWait), cmp.Compare(x.Addr, y.Addr))
	})
	for i := range b.Objects {
		o := &b.Objects[i]
		a.byAddr[o.Addr] = i
		a.sorted = append(a.sorted, o.Addr)
		order.Stable(o.Places, func(x, y Place) int { return y.Count - x.Count })
	}
	order.Sort(a.sorted, cmp.Compare)
	if len(b.Objects) > 0 {
		a.holders(t)
	}
	b.Cycles = cycles(b.Objects)
	return b
}

// analysis is what newBlocked needs while it is at it.
type analysis struct {
	b       *Blocked
	byAddr  map[uint64]int // place in b.Objects
	sorted  []uint64       // their addresses
	waiters []waiter       // all goroutines, in the order of their ids
	memory  memoryReader
	stack   []uint64
}

// group counts what the goroutines of a group wait for.
func (a *analysis) group(g *Group) {
	kind := g.WaitsOn()
	if kind == "" || kind == "descriptor" {
		return
	}
	a.b.Waiters += g.Count
	a.b.Unknown += g.Count - len(g.IDs)
	for i, id := range g.IDs {
		wait := time.Duration(g.waits[i]) * time.Minute
		if o := g.Object(i); o != 0 {
			a.waits(kind, o, g, wait, id)
			continue
		}
		var all []uint64
		if kind == "select" {
			all = a.memory.all(id)
		}
		for _, c := range all {
			a.waits("channel", c, g, wait, id)
		}
		if len(all) == 0 {
			a.b.Unknown++
		}
	}
}

// waits counts a goroutine that waits for an object.
func (a *analysis) waits(kind string, addr uint64, g *Group, wait time.Duration, id uint64) {
	if kind == "select" {
		kind = "channel"
	}
	i, ok := a.byAddr[addr]
	if !ok {
		if len(a.b.Objects) == maxObjects {
			a.b.More++ // perhaps once more
			return
		}
		i = len(a.b.Objects)
		a.byAddr[addr] = i
		a.b.Objects = append(a.b.Objects, Object{Kind: kind, Addr: addr, MinWait: wait})
	}
	o := &a.b.Objects[i]
	if kind == "RWMutex" {
		o.Kind = kind // not only the Mutex in it
	}
	o.Waiters++
	if o.lock() && len(o.waiters) < maxWaiters {
		o.waiters = append(o.waiters, id)
	}
	o.MinWait, o.MaxWait = min(o.MinWait, wait), max(o.MaxWait, wait)
	for i := range o.Places {
		if p := o.Places[i].Group; p == g || p.State == g.State && p.place() == g.place() {
			o.Places[i].Count++
			return
		}
	}
	if len(o.Places) < maxPlaces {
		o.Places = append(o.Places, Place{g, 1})
	}
}

// lock reports whether goroutines can hold the object.
func (o *Object) lock() bool { return lockKind(o.Kind) }

func lockKind(kind string) bool { return kind == "Mutex" || kind == "RWMutex" }

// find returns a goroutine of the dump, or nil: it may be one that is skipped.
func (a *analysis) find(id uint64) *waiter {
	i := sort.Search(len(a.waiters), func(i int) bool { return a.waiters[i].id >= id })
	if i == len(a.waiters) || a.waiters[i].id != id {
		return nil
	}
	return &a.waiters[i]
}

// holders looks through all goroutines' arguments and stacks for the objects.
func (a *analysis) holders(t *text) {
	first, last := a.sorted[0], a.sorted[len(a.sorted)-1]
	var found []int
	parseArguments(t.text, t.cut, func(id uint64) func(name []byte, argument uint64) {
		w := a.find(id)
		if w == nil {
			return nil
		}
		found = append(found[:0], a.own(w)...) // nobody holds what he waits for
		hold := func(i int, h Holder) {
			if !slices.Contains(found, i) && len(found) < 1000 {
				found = append(found, i)
				a.hold(i, w, h)
			}
		}
		if p := parked.Find(a.memory.list, id); p != nil {
			a.stack = p.Stack(a.stack)
			for _, v := range a.stack {
				if v < first || v > last {
					continue
				}
				if i, ok := a.byAddr[v]; ok {
					hold(i, Holder{ID: id, Group: w.group})
				}
			}
		}
		return func(name []byte, v uint64) {
			if v > last || v+maxBefore < first || inside(string(name)) {
				return
			}
			// The next object, if it is near. A channel is no part of a struct.
			k := sort.Search(len(a.sorted), func(k int) bool { return a.sorted[k] >= v })
			if k == len(a.sorted) || a.sorted[k]-v > maxBefore {
				return
			}
			i := a.byAddr[a.sorted[k]]
			if a.sorted[k] == v || a.b.Objects[i].Kind != "channel" {
				hold(i, Holder{ID: id, Group: w.group, Func: string(name), Before: a.sorted[k] - v})
			}
		}
	})
}

// own returns the places of what a goroutine waits for.
func (a *analysis) own(w *waiter) (places []int) {
	if w.object != 0 {
		if i, ok := a.byAddr[w.object]; ok {
			places = append(places, i)
		}
	} else if w.group.WaitsOn() == "select" {
		for _, c := range a.memory.all(w.id) {
			if i, ok := a.byAddr[c]; ok {
				places = append(places, i)
			}
		}
	}
	return places
}

func (a *analysis) hold(i int, w *waiter, h Holder) {
	o := &a.b.Objects[i]
	// One that does not wait for a lock comes first: it is more likely that the
	// others have only had it.
	waits := lockKind(w.group.WaitsOn())
	at := len(o.Holders)
	for !waits && at > 0 && lockKind(o.Holders[at-1].Group.WaitsOn()) {
		at--
	}
	if len(o.Holders) == maxHolders {
		o.MoreHolders++
		if at < maxHolders {
			o.Holders = o.Holders[:maxHolders-1]
		}
	}
	if at <= len(o.Holders) && len(o.Holders) < maxHolders {
		o.Holders = slices.Insert(o.Holders, at, h)
	}
	if to, ok := a.byAddr[w.object]; ok && o.lock() && a.b.Objects[to].lock() && len(o.edges) < maxEdges {
		o.edges = append(o.edges, edge{h, to})
	}
}

// inside reports whether a function is part of waiting.
func inside(name string) bool {
	return strings.HasPrefix(name, "sync.") || strings.HasPrefix(name, "internal/sync.") || strings.HasPrefix(name, "runtime.")
}
