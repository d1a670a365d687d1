// Package proftop sums up a profile of runtime/pprof by function, and writes
// the functions with the most as text.
package proftop

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"time"

	"github.com/go-manhole/lazy/console/internal/format"
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
	// Not slices.SortFunc, which adds 15 kB to a program for each type.
	sort.Slice(entries, func(i, j int) bool {
		a, b := entries[i], entries[j]
		byFlat, byCum := cmp.Compare(b.flat, a.flat), cmp.Compare(b.cum, a.cum)
		if o.Cumulative {
			byFlat, byCum = byCum, byFlat
		}
		return cmp.Or(byFlat, byCum, cmp.Compare(a.name, b.name)) < 0
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

// mostProfile bounds what a profile may unpack to.
const mostProfile = 256 << 20

// sum reads a profile as runtime/pprof writes it: gzip around the protocol
// buffer Profile (github.com/google/pprof, proto/profile.proto).
func sum(packed []byte, skip string) (*totals, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("the profile can't be unpacked: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, mostProfile+1))
	if err != nil {
		return nil, fmt.Errorf("the profile can't be unpacked: %w", err)
	}
	if len(raw) > mostProfile {
		return nil, errors.New("the profile is too large to be summed up here; fetch it without -top")
	}
	return sumRaw(raw, skip)
}

// Field numbers of profile.proto.
const (
	profileSampleType = 1
	profileSample     = 2
	profileLocation   = 4
	profileFunction   = 5
	profileString     = 6
	profileDefault    = 14

	valueTypeType = 1
	valueTypeUnit = 2

	sampleLocations = 1
	sampleValues    = 2

	locationID   = 1
	locationLine = 4

	lineFunction = 1

	functionID   = 1
	functionName = 2
)

func sumRaw(raw []byte, skip string) (*totals, error) {
	var (
		strs      []string
		types     [][2]uint64             // name and unit of each value
		byDefault uint64                  // name of the value to show
		locations = map[uint64][]uint64{} // to functions, innermost first
		names     = map[uint64]uint64{}   // of functions
		samples   [][]byte
	)
	err := fields(raw, func(field int, n uint64, b []byte) error {
		switch field {
		case profileString:
			strs = append(strs, string(b))
		case profileDefault:
			byDefault = n
		case profileSample:
			samples = append(samples, b)
		case profileSampleType:
			var t [2]uint64
			err := fields(b, func(field int, n uint64, _ []byte) error {
				if field == valueTypeType || field == valueTypeUnit {
					t[field-1] = n
				}
				return nil
			})
			types = append(types, t)
			return err
		case profileFunction:
			var id, name uint64
			err := fields(b, func(field int, n uint64, _ []byte) error {
				switch field {
				case functionID:
					id = n
				case functionName:
					name = n
				}
				return nil
			})
			names[id] = name
			return err
		case profileLocation:
			var id uint64
			var functions []uint64
			err := fields(b, func(field int, n uint64, b []byte) error {
				switch field {
				case locationID:
					id = n
				case locationLine:
					return fields(b, func(field int, n uint64, _ []byte) error {
						if field == lineFunction {
							functions = append(functions, n)
						}
						return nil
					})
				}
				return nil
			})
			locations[id] = functions
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(types) == 0 {
		return nil, errProfile
	}
	str := func(i uint64) string {
		if i < uint64(len(strs)) {
			return strs[i]
		}
		return ""
	}
	which := len(types) - 1 // as go tool pprof
	for i, t := range types {
		if byDefault != 0 && t[0] == byDefault {
			which = i
		}
	}
	t := &totals{kind: str(types[which][0]), unit: str(types[which][1]), functions: map[string]usage{}}
	skipped := func(location uint64) bool {
		return skip != "" && slices.ContainsFunc(locations[location], func(f uint64) bool { return str(names[f]) == skip })
	}
	var stack, values []uint64
	seen := map[string]int{} // the sample that a function was last counted in
	for i, b := range samples {
		stack, values = stack[:0], values[:0]
		err := fields(b, func(field int, n uint64, b []byte) (err error) {
			switch field {
			case sampleLocations:
				stack, err = numbers(stack, n, b)
			case sampleValues:
				values, err = numbers(values, n, b)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if which >= len(values) {
			return nil, errProfile
		}
		v := int64(values[which])
		if slices.ContainsFunc(stack, skipped) {
			t.skipped += v
			continue
		}
		t.total += v
		leaf := true
		for _, l := range stack {
			functions := locations[l]
			if len(functions) == 0 {
				functions = []uint64{0} // not known, such as C
			}
			for _, f := range functions {
				name := str(names[f])
				if name == "" {
					name = fmt.Sprintf("location %d", l)
				}
				u := t.functions[name]
				if leaf {
					u.flat += v
					leaf = false
				}
				if seen[name] != i+1 {
					seen[name] = i + 1
					u.cum += v
				}
				t.functions[name] = u
			}
		}
	}
	return t, nil
}

var errProfile = errors.New("the profile is not as expected; fetch it without -top")

// fields calls f for each field of a protocol buffer message: with n for a
// number, with b for bytes.
func fields(message []byte, f func(field int, n uint64, b []byte) error) error {
	for len(message) > 0 {
		key, used := binary.Uvarint(message)
		if used <= 0 {
			return errProfile
		}
		message = message[used:]
		var n uint64
		var b []byte
		switch wire := key & 7; wire {
		case 0:
			if n, used = binary.Uvarint(message); used <= 0 {
				return errProfile
			}
			message = message[used:]
		case 1, 5:
			width := map[uint64]int{1: 8, 5: 4}[wire]
			if len(message) < width {
				return errProfile
			}
			message = message[width:]
		case 2:
			n, used = binary.Uvarint(message)
			if used <= 0 || n > uint64(len(message)-used) {
				return errProfile
			}
			b, message = message[used:used+int(n)], message[used+int(n):]
		default:
			return errProfile
		}
		if err := f(int(key>>3), n, b); err != nil {
			return err
		}
	}
	return nil
}

// numbers appends a repeated number: packed in b, or else n alone.
func numbers(to []uint64, n uint64, b []byte) ([]uint64, error) {
	if b == nil {
		return append(to, n), nil
	}
	for len(b) > 0 {
		n, used := binary.Uvarint(b)
		if used <= 0 {
			return nil, errProfile
		}
		to, b = append(to, n), b[used:]
	}
	return to, nil
}
