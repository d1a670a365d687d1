// Package listing shows the source of functions with what a profile has of each
// line.
//
// Profiles come from other processes, which may be hostile: what they hold is
// bounded, and of the files that they name only such are opened as a compiler
// reads.
package listing

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

const (
	maxProfile  = 256 << 20 // unpacked
	maxRoutines = 20
	around      = 5   // lines shown before and after one with a value
	whole       = 120 // a function up to so many lines is shown as a whole
)

// A routine is a function of the profile.
type routine struct {
	name, file string
	start      int64 // line; 0 if it is not known
	usage
	lines map[int64]usage
}

// usage is what the profile has of a place itself, and with all it calls.
type usage struct{ flat, cum int64 }

// Write lists the functions that match. The profile is packed, as runtime/pprof
// writes it. s finds their files.
func Write(w io.Writer, packed []byte, match *regexp.Regexp, s Sources) error {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("what the process sent is no profile: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err != nil {
		return fmt.Errorf("what the process sent is no profile: %w", err)
	}
	if len(raw) > maxProfile {
		return errors.New("the profile is too large; send it to a file and use go tool pprof -list")
	}
	return list(w, raw, match, s)
}

func list(w io.Writer, raw []byte, match *regexp.Regexp, s Sources) error {
	p, err := profile.ParseUncompressed(raw)
	if err == nil {
		err = p.CheckValid()
	}
	if err == nil && len(p.SampleType) == 0 {
		err = errors.New("it has no values")
	}
	if err != nil {
		return fmt.Errorf("what the process sent is no profile: %w", err)
	}
	which := len(p.SampleType) - 1
	for i, t := range p.SampleType {
		if t.Type == p.DefaultSampleType {
			which = i
		}
	}
	found, total := routines(p, which, match)
	show := func(v int64) string { return amount(v, p.SampleType[which].Unit) }
	fmt.Fprintf(w, "%s: %s in all\n", p.SampleType[which].Type, show(total))
	for _, c := range p.Comments {
		fmt.Fprintln(w, c)
	}
	if len(found) == 0 {
		return fmt.Errorf("no function in the profile matches %v; -top lists those that are", match)
	}
	for _, r := range found[:min(maxRoutines, len(found))] {
		fmt.Fprintf(w, "\n%s in %s\n%12s %12s  %.1f%% of all\n", r.name, r.file, show(r.flat), show(r.cum), share(r.cum, total))
		lines, where, err := s.Read(r.file)
		switch {
		case err != nil:
			fmt.Fprintf(w, "The source is not at hand: %v. Its lines by number:\n", err)
		case where != r.file:
			fmt.Fprintf(w, "The source is taken from %s.\n", where)
		}
		r.list(w, lines, show)
	}
	if n := len(found) - maxRoutines; n > 0 {
		fmt.Fprintf(w, "\nand %d functions with less\n", n)
	}
	return nil
}

// routines sums up the functions that match, those with the most first.
func routines(p *profile.Profile, which int, match *regexp.Regexp) (all []*routine, total int64) {
	type id struct{ name, file string }
	found := map[id]*routine{} // nil if it does not match
	type place struct {
		r    *routine
		line int64
	}
	for _, s := range p.Sample {
		v := s.Value[which]
		total += max(v, -v)
		counted, in := map[place]bool{}, map[*routine]bool{}
		innermost := true
		for _, l := range s.Location {
			for _, line := range l.Line {
				flat := innermost
				innermost = false
				f := line.Function
				if f == nil {
					continue
				}
				r, known := found[id{f.Name, f.Filename}]
				if !known {
					if match.MatchString(f.Name) {
						r = &routine{name: f.Name, file: f.Filename, start: f.StartLine, lines: map[int64]usage{}}
						all = append(all, r)
					}
					found[id{f.Name, f.Filename}] = r
				}
				if r == nil {
					continue
				}
				u := r.lines[line.Line]
				if flat {
					u.flat += v
					r.flat += v
				}
				if at := (place{r, line.Line}); !counted[at] {
					counted[at] = true
					u.cum += v
				}
				if !in[r] {
					in[r] = true
					r.cum += v
				}
				r.lines[line.Line] = u
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return max(all[i].cum, -all[i].cum) > max(all[j].cum, -all[j].cum) })
	return all, total
}

// list writes the lines of a function. source is nil if it is not known.
func (r *routine) list(w io.Writer, source []string, show func(int64) string) {
	var numbers []int64
	for n := range r.lines {
		numbers = append(numbers, n)
	}
	sort.Slice(numbers, func(i, j int) bool { return numbers[i] < numbers[j] })
	cell := func(v int64) string {
		if v == 0 {
			return "."
		}
		return show(v)
	}
	line := func(n int64, text string) {
		u := r.lines[n]
		fmt.Fprintf(w, "%12s %12s %6d: %s\n", cell(u.flat), cell(u.cum), n, text)
	}
	last := int64(0) // that was shown
	for i, n := range numbers {
		if n < 1 || n > int64(len(source)) {
			line(n, "")
			continue
		}
		from := n - around
		if r.start > 0 && n-r.start < whole {
			from = r.start
		}
		if i > 0 && n-numbers[i-1] < whole {
			from = last + 1
		}
		from = max(from, last+1, 1)
		if last > 0 && from > last+1 {
			fmt.Fprintf(w, "%12s\n", "...")
		}
		to := n
		if i == len(numbers)-1 || numbers[i+1]-n >= whole {
			to = min(n+around, int64(len(source)))
		}
		for ; from <= to; from++ {
			line(from, source[from-1])
		}
		last = max(last, to)
	}
}

func share(v, total int64) float64 {
	if total == 0 {
		return 0
	}
	return 100 * float64(v) / float64(total)
}

// amount returns a value with its unit, as the console does.
func amount(v int64, unit string) string {
	switch sign := strings.Repeat("-", btoi(v < 0)); unit {
	case "nanoseconds":
		return time.Duration(v).Round(10 * time.Microsecond).String()
	case "bytes":
		n := float64(max(v, -v))
		for _, u := range []string{" bytes", "KB", "MB", "GB"} {
			if n < 1024 || u == "GB" {
				if u == " bytes" {
					return fmt.Sprintf("%s%.0f%s", sign, n, u)
				}
				return fmt.Sprintf("%s%.2f%s", sign, n, u)
			}
			n /= 1024
		}
	}
	return fmt.Sprint(v)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
