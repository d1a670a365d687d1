package stackdump

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Filter chooses goroutines: those that pass all conditions which are not zero.
type Filter struct {
	// State is a part of the state in lower or upper case: "chan" finds
	// "chan receive" and "chan send (nil chan)".
	State string

	// Match must match a function or a file of the stack or of the creator.
	Match *regexp.Regexp

	// Label is "key=value", or "key" for any value.
	Label string

	// MinWait is the shortest wait, in whole minutes. No goroutine of a grouped
	// capture passes, for their waits are not known.
	MinWait time.Duration

	// ID is one goroutine. None of a grouped capture passes.
	ID uint64

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
	left := 0
	for _, g := range d.Groups {
		left += g.Count
		if g.System && !f.System || !f.group(&g) {
			continue
		}
		if f.MinWait > 0 || f.ID != 0 || f.Label != "" {
			g = f.members(g)
		}
		if g.Count > 0 {
			left -= g.Count
			c.Groups = append(c.Groups, g)
		}
	}
	c.Filtered += left
	slices.SortStableFunc(c.Groups, func(a, b Group) int { return b.Count - a.Count })
	return &c
}

// group checks what all members have in common.
func (f *Filter) group(g *Group) bool {
	if f.State != "" && !strings.Contains(strings.ToLower(g.State), strings.ToLower(f.State)) {
		return false
	}
	if f.Match == nil {
		return true
	}
	match := func(fr Frame) bool { return f.Match.MatchString(fr.Func) || f.Match.MatchString(fr.File) }
	return slices.ContainsFunc(g.Frames, match) || match(g.CreatedBy)
}

// members returns the group with only those members that pass.
func (f *Filter) members(g Group) Group {
	var pass []bool // of g.Labels
	labelled := 0
	if f.Label != "" {
		pass = make([]bool, len(g.Labels))
		for i, s := range g.Labels {
			if pass[i] = s.has(f.Label); pass[i] {
				labelled += s.Count
			}
		}
	}
	byID := f.MinWait > 0 || f.ID != 0
	if len(g.IDs) == 0 && byID {
		return Group{}
	}

	if byID || g.sets != nil && len(g.IDs) == g.Count {
		var keep []int
		for i, id := range g.IDs {
			switch {
			case f.ID != 0 && id != f.ID,
				time.Duration(g.waits[i])*time.Minute < f.MinWait,
				f.Label != "" && g.sets != nil && (g.sets[i] < 0 || !pass[g.sets[i]]):
			default:
				keep = append(keep, i)
			}
		}
		all := len(keep) == len(g.IDs)
		count := len(keep)
		if f.Label != "" && g.sets == nil {
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
			g.IDs, g.waits, g.sets, g.objects = nil, nil, nil, nil
		}
	} else if labelled != g.Count {
		g.Count = labelled
		g.IDs, g.waits, g.sets, g.objects = nil, nil, nil, nil
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

// has reports whether the set has "key=value" or "key".
func (s LabelSet) has(label string) bool {
	return slices.ContainsFunc(s.Labels, func(l Label) bool {
		// Either may have a = in it.
		return label == l.Key || label == l.Key+"="+l.Value
	})
}
