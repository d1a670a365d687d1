// Package proftop sums up a profile of runtime/pprof by function, and writes
// the functions with the most as text. It also subtracts one profile from
// another.
package proftop

import (
	"fmt"
	"io"
	"time"

	"github.com/go-manhole/lazy/console/internal/format"
	"github.com/go-manhole/lazy/internal/pattern"
)

// Options say what to write. The zero value is ready to use.
type Options struct {
	Cumulative bool             // sort by what a function has with all it calls
	Entries    int              // how many functions; 0 means 20
	Focus      *pattern.Pattern // only samples with a matching function; nil means all
	Peek       *pattern.Pattern // only matching functions, with callers and callees; nil means all without
	Tree       bool             // callers and callees of every function
	SkipFunc   string           // samples with this function in their stack are left out and summed up
	IfEmpty    string           // what to write if nothing is in the profile
}

// most is how many callers and callees of a function are shown.
const most = 8

// Write writes the functions with the most in a profile, which [Unpack] or
// [Delta] returned.
func Write(w io.Writer, raw []byte, o Options) error {
	p, err := parse(raw)
	if err != nil {
		return err
	}
	t, err := p.sum(o)
	if err != nil {
		return err
	}
	entries := t.entries(o.Cumulative)
	if o.Peek != nil {
		matching := entries[:0]
		for _, e := range entries {
			if o.Peek.MatchString(e.name) {
				matching = append(matching, e)
			}
		}
		entries = matching
	}
	if o.Entries == 0 {
		o.Entries = 20
	}
	fmt.Fprintf(w, "%s: %s in all", t.kind, t.show(t.total))
	if abs(t.total) != t.size {
		fmt.Fprintf(w, " (%s more, %s less)", t.show((t.size+t.total)/2), t.show((t.size-t.total)/2))
	}
	fmt.Fprintln(w)
	shown := min(o.Entries, len(entries))
	if shown > 0 {
		fmt.Fprintf(w, "%12s %6s %12s %6s  function\n", "flat", "", "cum", "")
	}
	for _, e := range entries[:shown] {
		callers, callees := t.neighbours(e.name)
		t.around(w, callers, "called by")
		fmt.Fprintf(w, "%12s %5.1f%% %12s %5.1f%%  %s\n", t.show(e.flat), t.share(e.flat), t.show(e.cum), t.share(e.cum), e.name)
		t.around(w, callees, "calls")
		if t.calls != nil {
			fmt.Fprintln(w)
		}
	}
	switch {
	case shown < len(entries):
		fmt.Fprintf(w, "and %d functions with less (-n %d)\n", len(entries)-shown, len(entries))
	case shown == 0 && o.Peek != nil && len(t.functions) > 0:
		fmt.Fprintln(w, "no function matches -peek")
	case shown == 0 && t.unfocused == 0 && o.IfEmpty != "":
		fmt.Fprintln(w, o.IfEmpty)
	}
	if o.Focus != nil {
		fmt.Fprintf(w, "left out: %s without a function that matches -focus\n", t.show(t.unfocused))
	}
	if t.skipped != 0 {
		fmt.Fprintf(w, "left out: %s of this session's own\n", t.show(t.skipped))
	}
	return nil
}

// around writes the callers or callees of a function.
func (t *totals) around(w io.Writer, all []entry, what string) {
	for _, e := range all[:min(most, len(all))] {
		fmt.Fprintf(w, "%12s %6s %12s %5.1f%%    %s %s\n", "", "", t.show(e.cum), t.share(e.cum), what, e.name)
	}
	if n := len(all) - most; n > 0 {
		fmt.Fprintf(w, "%12s %6s %12s %6s    and %d more\n", "", "", "", "", n)
	}
}

// focused reports whether a stack of functions is to be counted.
func (o *Options) focused(names []string) bool {
	if o.Focus == nil {
		return true
	}
	for _, name := range names {
		if o.Focus.MatchString(name) {
			return true
		}
	}
	return false
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
	if t.size == 0 {
		return 0
	}
	return 100 * float64(v) / float64(t.size)
}
