package proftop

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
)

// maxProfile bounds what a profile may unpack to.
const maxProfile = 256 << 20

// sum reads a profile as runtime/pprof writes it: gzip around the protocol
// buffer Profile (github.com/google/pprof, proto/profile.proto).
func sum(packed []byte, skip string) (*totals, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("the profile cannot be unpacked: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err != nil {
		return nil, fmt.Errorf("the profile cannot be unpacked: %w", err)
	}
	if len(raw) > maxProfile {
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

// A profile is the message Profile, as far as it is needed.
type profile struct {
	strings   []string
	types     [][2]uint64         // name and unit of each value of a sample
	byDefault uint64              // name of the value to show
	locations map[uint64][]uint64 // functions by location, innermost first
	names     map[uint64]uint64   // names by function
	samples   [][]byte
}

func sumRaw(raw []byte, skip string) (*totals, error) {
	p := &profile{locations: map[uint64][]uint64{}, names: map[uint64]uint64{}}
	if err := fields(raw, p.field); err != nil {
		return nil, err
	}
	if len(p.types) == 0 {
		return nil, errProfile
	}
	return p.sum(skip)
}

func (p *profile) field(field int, n uint64, b []byte) error {
	switch field {
	case profileString:
		p.strings = append(p.strings, string(b))
	case profileDefault:
		p.byDefault = n
	case profileSample:
		p.samples = append(p.samples, b)
	case profileSampleType:
		var t [2]uint64
		err := fields(b, func(field int, n uint64, _ []byte) error {
			if field == valueTypeType || field == valueTypeUnit {
				t[field-1] = n
			}
			return nil
		})
		p.types = append(p.types, t)
		return err
	case profileFunction:
		return p.function(b)
	case profileLocation:
		return p.location(b)
	}
	return nil
}

func (p *profile) function(message []byte) error {
	var id, name uint64
	err := fields(message, func(field int, n uint64, _ []byte) error {
		switch field {
		case functionID:
			id = n
		case functionName:
			name = n
		}
		return nil
	})
	p.names[id] = name
	return err
}

func (p *profile) location(message []byte) error {
	var id uint64
	var functions []uint64
	err := fields(message, func(field int, n uint64, b []byte) error {
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
	p.locations[id] = functions
	return err
}

func (p *profile) str(i uint64) string {
	if i < uint64(len(p.strings)) {
		return p.strings[i]
	}
	return ""
}

// sum adds up the samples by function, except those with skip in their stack.
func (p *profile) sum(skip string) (*totals, error) {
	which := len(p.types) - 1 // as go tool pprof
	for i, t := range p.types {
		if p.byDefault != 0 && t[0] == p.byDefault {
			which = i
		}
	}
	t := &totals{kind: p.str(p.types[which][0]), unit: p.str(p.types[which][1]), functions: map[string]usage{}}
	skipped := func(location uint64) bool {
		return skip != "" && slices.ContainsFunc(p.locations[location], func(f uint64) bool { return p.str(p.names[f]) == skip })
	}
	var stack, values []uint64
	seen := map[string]int{} // the sample that a function was last counted in
	for i, b := range p.samples {
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
		for k, name := range p.functionsIn(stack) {
			u := t.functions[name]
			if k == 0 {
				u.flat += v
			}
			if seen[name] != i+1 {
				seen[name] = i + 1
				u.cum += v
			}
			t.functions[name] = u
		}
	}
	return t, nil
}

// functionsIn iterates over the functions in a stack of locations, innermost
// first.
func (p *profile) functionsIn(stack []uint64) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		k := 0
		for _, l := range stack {
			functions := p.locations[l]
			if len(functions) == 0 {
				functions = []uint64{0} // not known, such as C
			}
			for _, f := range functions {
				name := p.str(p.names[f])
				if name == "" {
					name = fmt.Sprintf("location %d", l)
				}
				if !yield(k, name) {
					return
				}
				k++
			}
		}
	}
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
