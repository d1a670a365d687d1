package proftop

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxProfile bounds what a profile may unpack to.
const maxProfile = 256 << 20

// Unpack unpacks a profile as runtime/pprof writes it with debug=0: gzip around
// the protocol buffer Profile (github.com/google/pprof, proto/profile.proto).
func Unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("the profile cannot be unpacked: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err != nil {
		return nil, fmt.Errorf("the profile cannot be unpacked: %w", err)
	}
	if len(raw) > maxProfile {
		return nil, errors.New("the profile is too large to be read here; fetch it without -top, or without a duration")
	}
	return raw, nil
}

// Pack writes a profile as go tool pprof reads it.
func Pack(w io.Writer, raw []byte) error {
	z := gzip.NewWriter(w) // which runtime/pprof links anyway
	if _, err := z.Write(raw); err != nil {
		return err
	}
	return z.Close()
}

// Field numbers of profile.proto.
const (
	profileSampleType = 1
	profileSample     = 2
	profileLocation   = 4
	profileFunction   = 5
	profileString     = 6
	profileDuration   = 10
	profileComment    = 13
	profileDefault    = 14

	valueTypeType = 1
	valueTypeUnit = 2

	sampleLocations = 1
	sampleValues    = 2
	sampleLabel     = 3

	labelKey  = 1
	labelText = 2
	labelUnit = 4

	locationID      = 1
	locationAddress = 3
	locationLine    = 4

	lineFunction = 1

	functionID       = 1
	functionName     = 2
	functionSystem   = 3
	functionFilename = 4
)

// A profile is the message Profile, as far as it is needed.
type profile struct {
	strings   []string
	types     [][2]uint64         // name and unit of each value of a sample
	byDefault uint64              // name of the value to show
	locations map[uint64]location // by id
	functions map[uint64]function // by id
	samples   [][]byte
}

// A location is a place in the code.
type location struct {
	message   []byte
	address   uint64
	functions []uint64 // innermost first
}

type function struct {
	message []byte
	name    uint64
}

func parse(raw []byte) (*profile, error) {
	p := &profile{locations: map[uint64]location{}, functions: map[uint64]function{}}
	if err := fields(raw, p.field); err != nil {
		return nil, err
	}
	if len(p.types) == 0 {
		return nil, errProfile
	}
	return p, nil
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
	var id uint64
	f := function{message: message}
	err := fields(message, func(field int, n uint64, _ []byte) error {
		switch field {
		case functionID:
			id = n
		case functionName:
			f.name = n
		}
		return nil
	})
	p.functions[id] = f
	return err
}

func (p *profile) location(message []byte) error {
	var id uint64
	l := location{message: message}
	err := fields(message, func(field int, n uint64, b []byte) error {
		switch field {
		case locationID:
			id = n
		case locationAddress:
			l.address = n
		case locationLine:
			return fields(b, func(field int, n uint64, _ []byte) error {
				if field == lineFunction {
					l.functions = append(l.functions, n)
				}
				return nil
			})
		}
		return nil
	})
	p.locations[id] = l
	return err
}

func (p *profile) str(i uint64) string {
	if i < uint64(len(p.strings)) {
		return p.strings[i]
	}
	return ""
}

func (p *profile) name(function uint64) string { return p.str(p.functions[function].name) }

// A sample is one stack with its values.
type sample struct {
	stack  []uint64 // locations, innermost first
	values []uint64 // of type int64
	labels [][]byte
}

// read reads a sample into s, whose memory is used again.
func (s *sample) read(message []byte) error {
	s.stack, s.values, s.labels = s.stack[:0], s.values[:0], s.labels[:0]
	return fields(message, func(field int, n uint64, b []byte) (err error) {
		switch field {
		case sampleLocations:
			s.stack, err = numbers(s.stack, n, b)
		case sampleValues:
			s.values, err = numbers(s.values, n, b)
		case sampleLabel:
			s.labels = append(s.labels, b)
		}
		return err
	})
}

// has reports whether the function is in the stack.
func (p *profile) has(stack []uint64, name string) bool {
	if name == "" {
		return false
	}
	for _, l := range stack {
		for _, f := range p.locations[l].functions {
			if p.name(f) == name {
				return true
			}
		}
	}
	return false
}

// names appends the functions in a stack to the list, innermost first.
func (p *profile) names(to []string, stack []uint64) []string {
	for _, l := range stack {
		functions := p.locations[l].functions
		if len(functions) == 0 {
			functions = []uint64{0} // not known, such as C
		}
		for _, f := range functions {
			name := p.name(f)
			if name == "" {
				name = fmt.Sprintf("location %d", l)
			}
			to = append(to, name)
		}
	}
	return to
}

var errProfile = errors.New("the profile is not as expected; fetch it without -top")

// fields calls f for each field of a protocol buffer message: with n for a
// number, with b for bytes.
func fields(message []byte, f func(field int, n uint64, b []byte) error) error {
	for len(message) > 0 {
		if err := one(&message, f); err != nil {
			return err
		}
	}
	return nil
}

// one takes one field off a message and calls f for it. b is nil for a number.
func one(message *[]byte, f func(field int, n uint64, b []byte) error) error {
	m := *message
	key, used := binary.Uvarint(m)
	if used <= 0 {
		return errProfile
	}
	m = m[used:]
	var n uint64
	var b []byte
	switch wire := key & 7; wire {
	case 0:
		if n, used = binary.Uvarint(m); used <= 0 {
			return errProfile
		}
		m = m[used:]
	case 2:
		n, used = binary.Uvarint(m)
		if used <= 0 || n > uint64(len(m)-used) {
			return errProfile
		}
		b, m = m[used:used+int(n)], m[used+int(n):]
	default:
		return errProfile // runtime/pprof writes no others
	}
	*message = m
	return f(int(key>>3), n, b)
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
