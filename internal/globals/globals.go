// Package globals sets package variables of this program by their address.
//
// Only data and bss segments of Go are written: those of the executable, or of the
// plugin or shared library that this package is linked into. Whether there is a
// variable of the type at the address the caller has to know; debuggers do.
package globals

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unsafe"
)

// sizes are the types that can be set, and how many bytes they have. Each can be
// written at once, and contains no pointer.
var sizes = map[string]uintptr{
	"bool": 1,
	"int8": 1, "int16": 2, "int32": 4, "int64": 8, "int": unsafe.Sizeof(0),
	"uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "uint": unsafe.Sizeof(0), "uintptr": unsafe.Sizeof(0),
	"float32": 4, "float64": 8,
	"time.Duration": 8,
}

// Types returns the names of the types that can be set.
func Types() []string {
	var names []string
	for name := range sizes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ErrChanged is the error of [Set] for a variable that has not the old value.
var ErrChanged = errors.New("it has another value by now; look at it again")

// Set sets the variable of the type at the address to a new value if it has the
// old one, in one atomic operation. Values are written as strconv formats them;
// a time.Duration is a number of nanoseconds.
func Set(address uintptr, kind, before, after string) error {
	size, ok := sizes[kind]
	if !ok {
		return fmt.Errorf("%q cannot be set, only %s", kind, strings.Join(Types(), ", "))
	}
	was, err := parse(kind, size, before)
	if err != nil {
		return err
	}
	becomes, err := parse(kind, size, after)
	if err != nil {
		return err
	}
	if address%size != 0 {
		return fmt.Errorf("%#x is not the address of a variable of type %s, which is a multiple of %d", address, kind, size)
	}
	// Processors exchange words of 4 and 8 bytes; smaller ones are part of one.
	word := max(size, 4)
	base := address &^ (word - 1)
	inside := func(s segment) bool { return s.start <= base && base < s.end && word <= s.end-base }
	if !slices.ContainsFunc(segments(), inside) {
		return fmt.Errorf("%#x is not in a data or bss segment of this program", address)
	}
	if size == 8 {
		if !atomic.CompareAndSwapUint64((*uint64)(at(base)), was, becomes) {
			return ErrChanged
		}
		return nil
	}
	p := (*uint32)(at(base))
	shift := 8 * (address - base) // all systems of this package's users are little endian
	mask := uint32(1<<(8*size)-1) << shift
	for {
		old := atomic.LoadUint32(p)
		if old&mask != uint32(was)<<shift {
			return ErrChanged
		}
		if atomic.CompareAndSwapUint32(p, old, old&^mask|uint32(becomes)<<shift) {
			return nil
		}
	}
}

// at keeps vet from asking where the address came from: it is in a segment.
func at(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// parse returns the bits of a value.
func parse(kind string, size uintptr, text string) (bits uint64, err error) {
	n := int(size) * 8
	switch {
	case kind == "bool":
		var b bool
		if b, err = strconv.ParseBool(text); b {
			bits = 1
		}
	case kind == "float32":
		var f float64
		f, err = strconv.ParseFloat(text, 32)
		bits = uint64(math.Float32bits(float32(f)))
	case kind == "float64":
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		bits = math.Float64bits(f)
	case strings.HasPrefix(kind, "uint"):
		bits, err = strconv.ParseUint(text, 0, n)
	default:
		var i int64
		i, err = strconv.ParseInt(text, 0, n)
		bits = uint64(i) & (math.MaxUint64 >> (64 - n))
	}
	if err != nil {
		return 0, fmt.Errorf("%.100q is no value of type %s", text, kind)
	}
	return bits, nil
}
