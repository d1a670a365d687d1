package proftop

import (
	"cmp"

	"github.com/go-manhole/lazy/internal/order"
)

// totals is a profile summed up by function.
type totals struct {
	kind, unit string
	total      int64
	size       int64 // the sum of the amounts, as go tool pprof takes it for 100 %
	skipped    int64 // of the session; not in total
	unfocused  int64 // not in total
	functions  map[string]usage
	calls      map[call]int64 // nil unless they are wanted
}

// usage is what the profile has of a function itself, and with all it calls.
type usage struct{ flat, cum int64 }

// A call is a function and another that it called.
type call struct{ from, to string }

// sum adds up the samples by function.
func (p *profile) sum(o Options) (*totals, error) {
	which := len(p.types) - 1 // as go tool pprof
	for i, t := range p.types {
		if p.byDefault != 0 && t[0] == p.byDefault {
			which = i
		}
	}
	t := &totals{kind: p.str(p.types[which][0]), unit: p.str(p.types[which][1]), functions: map[string]usage{}}
	if o.Peek != nil || o.Tree {
		t.calls = map[call]int64{}
	}
	var s sample
	var names []string
	seen := map[string]int{} // the sample that a function was last counted in
	called := map[call]int{} // and a call
	for i, b := range p.samples {
		if err := s.read(b); err != nil {
			return nil, err
		}
		if which >= len(s.values) {
			return nil, errProfile
		}
		v := int64(s.values[which])
		if p.has(s.stack, o.SkipFunc) {
			t.skipped += v
			continue
		}
		names = p.names(names[:0], s.stack)
		if !o.focused(names) {
			t.unfocused += v
			continue
		}
		t.total += v
		t.size += max(v, -v)
		for k, name := range names {
			u := t.functions[name]
			if k == 0 {
				u.flat += v
			}
			if seen[name] != i+1 {
				seen[name] = i + 1
				u.cum += v
			}
			t.functions[name] = u
			if k == 0 || t.calls == nil {
				continue
			}
			if c := (call{name, names[k-1]}); called[c] != i+1 {
				called[c] = i + 1
				t.calls[c] += v
			}
		}
	}
	return t, nil
}

// An entry is a line: a function and what it has.
type entry struct {
	name string
	usage
}

// entries returns the functions in the order in which they are shown. As in go
// tool pprof, what became less counts as much as what became more.
func (t *totals) entries(byCum bool) []entry {
	var all []entry
	for name, v := range t.functions {
		if v != (usage{}) {
			all = append(all, entry{name, v})
		}
	}
	sorted(all, byCum)
	return all
}

func sorted(all []entry, byCum bool) {
	order.Sort(all, func(a, b entry) int {
		flat, cum := cmp.Compare(abs(b.flat), abs(a.flat)), cmp.Compare(abs(b.cum), abs(a.cum))
		if byCum {
			flat, cum = cum, flat
		}
		return cmp.Or(flat, cum, cmp.Compare(a.name, b.name))
	})
}

func abs(n int64) int64 { return max(n, -n) }

// neighbours returns the callers of a function, and what it calls, those with
// the most first.
func (t *totals) neighbours(name string) (callers, callees []entry) {
	for c, v := range t.calls {
		if v == 0 {
			continue
		}
		if c.to == name {
			callers = append(callers, entry{c.from, usage{cum: v}})
		}
		if c.from == name {
			callees = append(callees, entry{c.to, usage{cum: v}})
		}
	}
	sorted(callers, true)
	sorted(callees, true)
	return callers, callees
}
