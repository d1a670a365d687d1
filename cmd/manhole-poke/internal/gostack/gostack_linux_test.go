package gostack

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"testing"
)

// What the table says is what the runtime says, with calls in line.
func TestFrames(t *testing.T) {
	p, err := Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	pcs := make([]uintptr, 50)
	pcs = pcs[:callers(pcs)]
	var want []Frame
	for frames := runtime.CallersFrames(pcs); ; {
		f, more := frames.Next()
		want = append(want, Frame{f.Function, f.File, f.Line})
		if !more {
			break
		}
	}
	var got []Frame
	for i := 0; i < len(pcs) && len(got) < len(want); i++ {
		pc := uint64(pcs[i]) - 1
		f, ok := p.table.find(pc)
		if !ok {
			t.Fatalf("%#x is in no function", pc)
		}
		got = append(got, p.table.frames(f, pc)...)
		// runtime.Callers has an address for each call in line, too.
		for i+1 < len(pcs) && p.table.sameFunction(f, uint64(pcs[i+1])-1) && len(p.table.frames(f, pc)) > 1 {
			i++
		}
	}
	for i, w := range want {
		if i < len(got) && got[i] != w {
			t.Errorf("%d: %+v, want %+v", i, got[i], w)
		}
	}
	if len(got) < 3 || got[0].Function != "github.com/go-manhole/lazy/cmd/manhole-poke/internal/gostack.inner" {
		t.Errorf("%+v", got)
	}
}

func (t *table) sameFunction(f function, pc uint64) bool {
	g, ok := t.find(pc)
	return ok && g.entry == f.entry
}

//go:noinline
func callers(pcs []uintptr) int { return inner(pcs) }

func inner(pcs []uintptr) int { return runtime.Callers(1, pcs) } // in line

// FuzzTable reads tables that are anything. None may panic, or take long.
func FuzzTable(f *testing.F) {
	p, err := Open(os.Getpid())
	if err != nil {
		f.Skip(err)
	}
	at := p.table.values - p.table.values%8
	head := make([]byte, 64<<10)
	io.ReadFull(io.NewSectionReader(p.mem, int64(at), int64(len(head))), head)
	f.Add(head, uint64(0x1000), uint64(0x1010), uint64(8))
	f.Add(append([]byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8, 2, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 400)...), uint64(0), uint64(1), uint64(100))
	f.Fuzz(func(t *testing.T, text []byte, base, pc, sp uint64) {
		mem := newPages(bytes.NewReader(text))
		tab, err := readTable(mem, 0, base, base)
		if err != nil {
			return
		}
		word := func(at uint64) (uint64, bool) {
			if at >= uint64(len(text)) {
				return 0, false
			}
			v, err := tab.u32(at)
			return uint64(v), err == nil
		}
		if n := len(tab.walk(place{pc: pc, sp: sp}, word)); n > 31*maxFrames {
			t.Error(n)
		}
	})
}
