// Package proftop sums up a profile of runtime/pprof by function, and writes
// the functions with the most as text.
package proftop

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/go-manhole/lazy/console/internal/format"
	"github.com/go-manhole/lazy/internal/order"
)

// Options say what to write. The zero value is ready to use.
type Options struct {
	Cumulative bool   // sort by what a function has with all it calls
	Entries    int    // how many functions; 0 means 20
	SkipFunc   string // samples with this function in their stack are left out and summed up
}

// Write writes the functions with the most in the profile after, less what they
// had in before, if that is not empty. Both are as runtime/pprof writes them
// with debug=0.
func Write(w io.Writer, before, after []byte, o Options) error {
	now, err := sum(after, o.SkipFunc)
	if err != nil {
		return err
	}
	if len(before) > 0 {
		then, err := sum(before, o.SkipFunc)
		if err != nil {
			return err
		}
		now.subtract(then)
	}
	type entry struct {
		name string
		usage
	}
	var entries []entry
	for name, v := range now.functions {
		if v != (usage{}) {
			entries = append(entries, entry{name, v})
		}
	}
	order.Sort(entries, func(a, b entry) int {
		byFlat, byCum := cmp.Compare(b.flat, a.flat), cmp.Compare(b.cum, a.cum)
		if o.Cumulative {
			byFlat, byCum = byCum, byFlat
		}
		return cmp.Or(byFlat, byCum, cmp.Compare(a.name, b.name))
	})
	if o.Entries == 0 {
		o.Entries = 20
	}
	most := min(o.Entries, len(entries))
	fmt.Fprintf(w, "%s: %s in all\n", now.kind, now.show(now.total))
	if most > 0 {
		fmt.Fprintf(w, "%12s %6s %12s %6s  function\n", "flat", "", "cum", "")
	}
	for _, e := range entries[:most] {
		fmt.Fprintf(w, "%12s %5.1f%% %12s %5.1f%%  %s\n", now.show(e.flat), now.share(e.flat), now.show(e.cum), now.share(e.cum), e.name)
	}
	if most < len(entries) {
		fmt.Fprintf(w, "and %d functions with less (-n %d)\n", len(entries)-most, len(entries))
	}
	if now.skipped != 0 {
		fmt.Fprintf(w, "left out: %s of this session's own\n", now.show(now.skipped))
	}
	return nil
}

// totals is a profile summed up by function.
type totals struct {
	kind, unit string
	total      int64
	skipped    int64 // not in total
	functions  map[string]usage
}

// usage is what the profile has of a function itself, and with all it calls.
type usage struct{ flat, cum int64 }

// subtract leaves what came after then.
func (t *totals) subtract(then *totals) {
	t.total, t.skipped = t.total-then.total, t.skipped-then.skipped
	for name, v := range then.functions {
		v.flat, v.cum = t.functions[name].flat-v.flat, t.functions[name].cum-v.cum
		t.functions[name] = v
	}
}

func (t *totals) show(v int64) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	switch t.unit {
	case "bytes":
		return sign + format.ShortSize(uint64(v))
	case "nanoseconds":
		d := time.Duration(v)
		switch {
		case d >= time.Second:
			d = d.Round(10 * time.Millisecond)
		case d >= time.Millisecond:
			d = d.Round(10 * time.Microsecond)
		}
		return sign + d.String()
	}
	return fmt.Sprintf("%s%d", sign, v)
}

func (t *totals) share(v int64) float64 {
	if t.total == 0 {
		return 0
	}
	return 100 * float64(v) / float64(t.total)
}
