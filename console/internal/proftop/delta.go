package proftop

import (
	"encoding/binary"
	"time"
)

// Delta returns the profile after, less what was in before: both of one process,
// and unpacked. It does what net/http/pprof does for its parameter seconds.
// Samples with the function skip in their stack are left out. go tool pprof shows
// the comments above what it lists.
//
// The result is after as it is, but for its samples. What is only in before is
// added with negative values.
func Delta(before, after []byte, took time.Duration, skip string, comments ...string) ([]byte, error) {
	old, err := parse(before)
	if err != nil {
		return nil, err
	}
	now, err := parse(after)
	if err != nil {
		return nil, err
	}
	if len(old.types) != len(now.types) {
		return nil, errProfile
	}
	d := &delta{now: now, old: old, out: make([]byte, 0, len(after)), texts: len(now.strings), moved: map[string]uint64{}}
	if err := d.copyTables(after); err != nil {
		return nil, err
	}
	if err := d.subtract(skip); err != nil {
		return nil, err
	}
	for _, c := range comments {
		d.number(profileComment, d.text(c))
	}
	d.number(profileDuration, uint64(took))
	return d.out, nil
}

// A delta is the difference of two profiles while it is made.
type delta struct {
	now, old *profile
	out      []byte
	texts    int               // how many strings out has
	moved    map[string]uint64 // what was added to out: strings by their text
	places   map[uint64]uint64 // locations of now by their address
	last     uint64            // the highest id in now
	added    map[uint64]uint64 // functions of old that were added
}

// copyTables copies all but the samples and the duration.
func (d *delta) copyTables(message []byte) error {
	for len(message) > 0 {
		rest := message
		err := one(&rest, func(field int, _ uint64, _ []byte) error {
			if field != profileSample && field != profileDuration {
				d.out = append(d.out, message[:len(message)-len(rest)]...)
			}
			return nil
		})
		if err != nil {
			return err
		}
		message = rest
	}
	return nil
}

// subtract writes the samples.
func (d *delta) subtract(skip string) error {
	was := map[string][]uint64{} // values by stack
	var where [][]byte           // a sample for each of the stacks of was
	var s sample
	for _, b := range d.old.samples {
		if err := s.read(b); err != nil {
			return err
		}
		if len(s.values) != len(d.old.types) {
			return errProfile
		}
		if d.old.has(s.stack, skip) {
			continue
		}
		k, err := d.old.key(&s)
		if err != nil {
			return err
		}
		sum, again := was[k]
		if !again {
			sum = make([]uint64, len(s.values))
			where = append(where, b)
		}
		for i, v := range s.values {
			sum[i] += v
		}
		was[k] = sum
	}
	for _, b := range d.now.samples {
		if err := s.read(b); err != nil {
			return err
		}
		if len(s.values) != len(d.now.types) {
			return errProfile
		}
		if d.now.has(s.stack, skip) {
			continue
		}
		k, err := d.now.key(&s)
		if err != nil {
			return err
		}
		if sum, ok := was[k]; ok {
			for i, v := range sum {
				s.values[i] -= v
			}
			delete(was, k)
		}
		d.sample(&s)
	}
	for _, b := range where {
		if err := s.read(b); err != nil {
			return err
		}
		k, err := d.old.key(&s)
		if err != nil {
			return err
		}
		sum, ok := was[k]
		if !ok {
			continue // it is in now, too
		}
		for i, v := range sum {
			s.values[i] = -v
		}
		if err := d.move(&s); err != nil {
			return err
		}
		d.sample(&s)
	}
	return nil
}

// key identifies the stack and the labels of a sample in any profile of the
// process.
func (p *profile) key(s *sample) (string, error) {
	var k []byte
	for _, l := range s.stack {
		k = binary.AppendUvarint(k, p.locations[l].address)
	}
	for _, label := range s.labels {
		k = append(k, 0)
		err := fields(label, func(field int, n uint64, _ []byte) error {
			k = append(k, byte(field))
			if isText(sampleLabel, field) {
				k = append(k, p.str(n)...)
				k = append(k, 0)
			} else {
				k = binary.AppendUvarint(k, n)
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return string(k), nil
}

// sample writes a sample unless all its values are 0.
func (d *delta) sample(s *sample) {
	zero := true
	for _, v := range s.values {
		zero = zero && v == 0
	}
	if zero {
		return
	}
	var m []byte
	m = packed(m, sampleLocations, s.stack)
	m = packed(m, sampleValues, s.values)
	for _, l := range s.labels {
		m = bytesField(m, sampleLabel, l)
	}
	d.out = bytesField(d.out, profileSample, m)
}

// move has a sample of old refer to what is in out, to which it adds what is
// missing.
func (d *delta) move(s *sample) error {
	if d.places == nil {
		d.places, d.added = map[uint64]uint64{}, map[uint64]uint64{}
		for id, l := range d.now.locations {
			d.places[l.address] = id
			d.last = max(d.last, id)
		}
		for id := range d.now.functions {
			d.last = max(d.last, id)
		}
	}
	for i, l := range s.stack {
		place := d.old.locations[l]
		id, ok := d.places[place.address]
		if !ok {
			d.last++
			id = d.last
			d.places[place.address] = id
			m, err := d.rewrite(place.message, profileLocation, id)
			if err != nil {
				return err
			}
			d.out = bytesField(d.out, profileLocation, m)
		}
		s.stack[i] = id
	}
	for i, l := range s.labels {
		m, err := d.rewrite(l, sampleLabel, 0)
		if err != nil {
			return err
		}
		s.labels[i] = m
	}
	return nil
}

// rewrite returns a message of old, with another id, for out. kind is the field of
// its parent that it is in.
func (d *delta) rewrite(message []byte, kind int, id uint64) (m []byte, err error) {
	err = fields(message, func(field int, n uint64, b []byte) error {
		switch {
		case isText(kind, field):
			n = d.text(d.old.str(n))
		case (kind == profileLocation || kind == profileFunction) && field == 1:
			n = id
		case kind == profileLocation && field == locationLine:
			b, err = d.rewrite(b, aLine, 0)
		case kind == aLine && field == lineFunction:
			n, err = d.function(n)
		}
		if b != nil {
			m = bytesField(m, field, b)
		} else {
			m = numberField(m, field, n)
		}
		return err
	})
	return m, err
}

// function returns the id in out of a function of old.
func (d *delta) function(of uint64) (uint64, error) {
	if id, ok := d.added[of]; ok {
		return id, nil
	}
	d.last++
	id := d.last
	d.added[of] = id
	m, err := d.rewrite(d.old.functions[of].message, profileFunction, id)
	d.out = bytesField(d.out, profileFunction, m)
	return id, err
}

// aLine is the kind of a line, whose parent is no profile and no sample.
const aLine = -1

// isText reports whether a field of a message is the number of a string.
func isText(kind, field int) bool {
	switch kind {
	case sampleLabel:
		return field == labelKey || field == labelText || field == labelUnit
	case profileFunction:
		return field == functionName || field == functionSystem || field == functionFilename
	}
	return false
}

// text returns the number in out of a text.
func (d *delta) text(s string) uint64 {
	if s == "" {
		return 0
	}
	n, ok := d.moved[s]
	if !ok {
		n = uint64(d.texts)
		d.texts++
		d.moved[s] = n
		d.out = bytesField(d.out, profileString, []byte(s))
	}
	return n
}

func (d *delta) number(field int, n uint64) { d.out = numberField(d.out, field, n) }

func numberField(m []byte, field int, n uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3), n)
}

func bytesField(m []byte, field int, b []byte) []byte {
	m = binary.AppendUvarint(m, uint64(field)<<3|2)
	return append(binary.AppendUvarint(m, uint64(len(b))), b...)
}

func packed(m []byte, field int, all []uint64) []byte {
	var b []byte
	for _, n := range all {
		b = binary.AppendUvarint(b, n)
	}
	return bytesField(m, field, b)
}
