package stackdump

import (
	"slices"
	"strings"
	"time"

	"github.com/go-manhole/lazy/internal/order"
)

// A Matcher is what a *[regexp.Regexp] is, without the package linked in.
type Matcher = interface{ MatchString(string) bool }

// Filter chooses goroutines: those that pass all conditions which are not zero.
type Filter struct {
	// State are parts of the state in lower or upper case, all of which must be
	// in it: "chan" finds "chan receive" and "chan send (nil chan)". None of
	// NotState may be.
	State, NotState []string

	// Each of Match must match a function or a file of the stack, of the creator
	// or of an ancestor, and none of NotMatch may.
	Match, NotMatch []Matcher

	// Label are "key=value", or "key" for any value. A goroutine must have all.
	Label []string

	// MinWait is the shortest wait, in whole minutes. No goroutine of a grouped
	// capture passes, for their waits are not known.
	MinWait time.Duration

	// ID are the goroutines to choose. None of a grouped capture passes.
	ID []uint64

	// FoldIdle takes out what idles in the standard library: connections that
	// wait for a request, accept loops, and what database/sql keeps. Render shows
	// one line of how many there were.
	FoldIdle bool

	// Groups is the number of groups that pass, the largest; 0 means all.
	Groups int

	// System lets the runtime's own goroutines pass, which are left out
	// otherwise.
	System bool
}

// Filter returns a dump of the goroutines that pass. d is not changed.
//
// A group whose members differ is cut down to those that pass. If its labels
// are known only as counts (they come from the profile then, in a full capture
// before Go 1.27), the ids of a group that is cut down by label are not known,
// and its count is the most that it can be if it is cut down by wait or id as well.
func (d *Dump) Filter(f Filter) *Dump {
	c := *d
	c.system = f.System
	c.Groups = nil
	c.folded = slices.Clone(d.folded)
	left := 0
	for _, g := range d.Groups {
		left += g.Count
		if g.System && !f.System || !f.state(g.State) {
			continue
		}
		pass, sure := f.stack(&g)
		if !pass && sure {
			continue
		}
		if f.MinWait > 0 || len(f.ID) > 0 || len(f.Label) > 0 {
			g = f.members(g)
		}
		if !sure {
			c.unseen += g.Count
		}
		if !pass || g.Count == 0 {
			continue
		}
		if f.FoldIdle && c.fold(&g) {
			continue
		}
		left -= g.Count
		c.Groups = append(c.Groups, g)
	}
	order.Stable(c.Groups, func(a, b Group) int { return b.Count - a.Count })
	if f.Groups > 0 && len(c.Groups) > f.Groups {
		for i := range c.Groups[f.Groups:] {
			left += c.Groups[f.Groups+i].Count
		}
		c.Groups = c.Groups[:f.Groups]
	}
	c.Filtered += left
	return &c
}

func (f *Filter) state(state string) bool {
	if len(f.State) == 0 && len(f.NotState) == 0 {
		return true
	}
	state = strings.ToLower(state)
	for _, s := range f.State {
		if !strings.Contains(state, strings.ToLower(s)) {
			return false
		}
	}
	for _, s := range f.NotState {
		if strings.Contains(state, strings.ToLower(s)) {
			return false
		}
	}
	return true
}

// stack reports whether the stack passes, and whether that would be so whatever the
// frames are that the dump lacks.
func (f *Filter) stack(g *Group) (pass, sure bool) {
	pass = true
	for _, m := range f.Match {
		pass = pass && g.matches(m)
	}
	for _, m := range f.NotMatch {
		if pass && g.matches(m) {
			return false, true
		}
	}
	if pass && len(f.NotMatch) == 0 {
		return true, true
	}
	return pass, !g.cut()
}

func (g *Group) matches(m Matcher) bool {
	if matchesAny(m, g.Frames) || matches(m, &g.CreatedBy) {
		return true
	}
	for i := range g.Ancestors {
		if matchesAny(m, g.Ancestors[i].Frames) || matches(m, &g.Ancestors[i].CreatedBy) {
			return true
		}
	}
	return false
}

func matchesAny(m Matcher, frames []Frame) bool {
	for i := range frames {
		if matches(m, &frames[i]) {
			return true
		}
	}
	return false
}

func matches(m Matcher, f *Frame) bool { return m.MatchString(f.Func) || m.MatchString(f.File) }

// cut reports whether the dump lacks frames of the stack because it is deep.
func (g *Group) cut() bool {
	for i := range g.Frames {
		if g.Frames[i].File == "" && strings.HasSuffix(g.Frames[i].Func, "elided...") {
			return true
		}
	}
	return false
}

// members returns the group with only those members that pass.
func (f *Filter) members(g Group) Group {
	var pass []bool // of g.Labels
	labelled := 0
	if len(f.Label) > 0 {
		pass = make([]bool, len(g.Labels))
		for i, s := range g.Labels {
			if pass[i] = s.hasAll(f.Label); pass[i] {
				labelled += s.Count
			}
		}
	}
	byID := f.MinWait > 0 || len(f.ID) > 0
	if len(g.IDs) == 0 && byID {
		return Group{}
	}

	if byID || g.sets != nil && len(g.IDs) == g.Count {
		var keep []int
		for i, id := range g.IDs {
			switch {
			case len(f.ID) > 0 && !slices.Contains(f.ID, id),
				time.Duration(g.waits[i])*time.Minute < f.MinWait,
				len(f.Label) > 0 && g.sets != nil && (g.sets[i] < 0 || !pass[g.sets[i]]):
			default:
				keep = append(keep, i)
			}
		}
		all := len(keep) == len(g.IDs)
		count := len(keep)
		if len(f.Label) > 0 && g.sets == nil {
			count = min(count, labelled)
			all = count == g.Count
		}
		if all {
			return g
		}
		g = g.pick(keep)
		g.Count = count
		g.MinWait, g.MaxWait = 0, 0
		if len(g.waits) > 0 {
			g.MinWait = time.Duration(slices.Min(g.waits)) * time.Minute
			g.MaxWait = time.Duration(slices.Max(g.waits)) * time.Minute
		}
		if len(g.IDs) > count {
			g.IDs, g.waits, g.sets, g.objects, g.argsOf = nil, nil, nil, nil, nil
		}
	} else if labelled != g.Count {
		g.Count = labelled
		g.IDs, g.waits, g.sets, g.objects, g.argsOf = nil, nil, nil, nil, nil
	}
	return g.relabel(pass)
}

// relabel counts the labels of the members that are left.
func (g Group) relabel(pass []bool) Group {
	counts := make([]int, len(g.Labels))
	if g.sets != nil {
		for _, set := range g.sets {
			if set >= 0 {
				counts[set]++
			}
		}
	} else {
		for i, s := range g.Labels {
			if pass == nil || pass[i] {
				counts[i] = min(s.Count, g.Count)
			}
		}
	}
	labels, place := []LabelSet(nil), make([]int32, len(g.Labels))
	for i, s := range g.Labels {
		if s.Count = counts[i]; s.Count > 0 {
			place[i] = int32(len(labels))
			labels = append(labels, s)
		}
	}
	g.sets = slices.Clone(g.sets)
	for i, set := range g.sets {
		if set >= 0 {
			g.sets[i] = place[set]
		}
	}
	g.Labels = labels
	return g
}

func (s LabelSet) hasAll(labels []string) bool {
	for _, l := range labels {
		if !s.has(l) {
			return false
		}
	}
	return true
}

// has reports whether the set has "key=value" or "key".
func (s LabelSet) has(label string) bool {
	return slices.ContainsFunc(s.Labels, func(l Label) bool {
		// Either may have a = in it.
		return label == l.Key || label == l.Key+"="+l.Value
	})
}
