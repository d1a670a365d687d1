//go:build linux && (amd64 || arm64)

package globals

import (
	"errors"
	"fmt"
	"testing"
	"time"
	"unsafe"
)

var (
	aBool    = true
	pad      int8
	aByte    uint8 = 200
	anInt16  int16 = -3
	anInt          = 7
	aFloat         = 2.5
	aFloat32 float32
	timeout  = time.Second
	mixed    = struct {
		name  string
		debug bool
	}{"x", false}
)

func TestSet(t *testing.T) {
	for _, c := range []struct {
		p             unsafe.Pointer
		kind          string
		before, after string
		got           func() any
	}{
		{unsafe.Pointer(&aBool), "bool", "true", "false", func() any { return aBool }},
		{unsafe.Pointer(&pad), "int8", "0", "-128", func() any { return pad }},
		{unsafe.Pointer(&aByte), "uint8", "200", "255", func() any { return aByte }},
		{unsafe.Pointer(&anInt16), "int16", "-3", "-32768", func() any { return anInt16 }},
		{unsafe.Pointer(&anInt), "int", "7", "-9223372036854775808", func() any { return anInt }},
		{unsafe.Pointer(&aFloat), "float64", "2.5", "-1e+100", func() any { return aFloat }},
		{unsafe.Pointer(&aFloat32), "float32", "0", "0.25", func() any { return aFloat32 }},
		{unsafe.Pointer(&timeout), "time.Duration", "1000000000", "5", func() any { return int64(timeout) }},
		{unsafe.Pointer(&mixed.debug), "bool", "false", "true", func() any { return mixed.debug }},
	} {
		if err := Set(uintptr(c.p), c.kind, c.after, c.before); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", c.kind, err)
		}
		if err := Set(uintptr(c.p), c.kind, c.before, c.after); err != nil || fmt.Sprint(c.got()) != c.after {
			t.Errorf("%s: %v, %v", c.kind, c.got(), err)
		}
		defer Set(uintptr(c.p), c.kind, c.after, c.before) // for -count
	}
	if mixed.name != "x" || pad != -128 || aByte != 255 {
		t.Error("a neighbour was changed")
	}
}

func TestSetRefuses(t *testing.T) {
	heap, local := new(int64), int64(0)
	constant := "abcdefgh"
	for name, err := range map[string]error{
		"heap":      Set(uintptr(unsafe.Pointer(heap)), "int64", "0", "1"),
		"stack":     Set(uintptr(unsafe.Pointer(&local)), "int64", "0", "1"),
		"read-only": Set(uintptr(unsafe.Pointer(unsafe.StringData(constant)))&^7, "int64", "0", "1"),
		"nil":       Set(0, "int64", "0", "1"),
		"end":       Set(^uintptr(7), "int64", "0", "1"),
		"unaligned": Set(uintptr(unsafe.Pointer(&anInt))+1, "int64", "0", "1"),
		"type":      Set(uintptr(unsafe.Pointer(&anInt)), "string", "0", "1"),
		"value":     Set(uintptr(unsafe.Pointer(&pad)), "int8", "0", "128"),
		"empty":     Set(uintptr(unsafe.Pointer(&pad)), "int8", "0", ""),
	} {
		if err == nil || errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("float32", "1e400")
	f.Fuzz(func(t *testing.T, kind, text string) {
		size, ok := sizes[kind]
		if !ok {
			t.Skip()
		}
		if bits, err := parse(kind, size, text); err == nil && size < 8 && bits>>(8*size) != 0 {
			t.Errorf("%s %q: %#x", kind, text, bits)
		}
	})
}
