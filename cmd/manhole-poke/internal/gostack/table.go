// Package gostack names the functions and lines in which the threads of a Go
// program are, without the program's help: it walks their stacks with the table
// that every Go program has for its own tracebacks (pclntab), stripped or not.
//
// The table and the stacks are read from the memory of the process, which may be
// made to mislead whoever reads it. So each walk is bounded, and what comes out
// is to be shown with package printable.
package gostack

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// A Frame is a call on a stack.
type Frame struct {
	Function string // with its package path
	File     string
	Line     int
}

// Magic numbers of internal/abi/symtab.go.
const (
	go118 = 0xfffffff0
	go120 = 0xfffffff1
)

const (
	maxFunctions = 1 << 24
	maxName      = 1 << 10
	// maxRow is how much of one table of values by address is decoded.
	maxRow = 64 << 10
)

// A table is the pclntab of a program (runtime/symtab.go, debug/gosym), of Go
// 1.18 or later.
type table struct {
	mem                                    io.ReaderAt
	text, end                              uint64
	quantum                                uint64
	n                                      uint64 // functions
	names, units, files, values, functions uint64

	data uint64 // what the functions refer to (go:func.*), or 0
}

// fixed is the size of runtime._func without what follows it, from Go 1.20 on.
const fixed = 44

// readTable reads the head of the table at an address. text is the address of
// runtime.text, for Go 1.26 and later, whose table does not say.
func readTable(mem io.ReaderAt, at, text, data uint64) (*table, error) {
	head := make([]byte, 8+8*8)
	if _, err := mem.ReadAt(head, int64(at)); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if magic := le.Uint32(head); magic != go118 && magic != go120 || head[7] != 8 {
		return nil, errors.New("a table of another version of Go")
	}
	word := func(i int) uint64 { return le.Uint64(head[8+8*i:]) }
	t := &table{mem: mem, text: text, quantum: uint64(head[6]), n: word(0)}
	if le.Uint32(head) == go120 {
		t.data = data
	}
	if said := word(2); said != 0 {
		t.text = said
	}
	if t.n == 0 || t.n > maxFunctions || t.text == 0 {
		return nil, errors.New("not a table of functions")
	}
	t.names, t.units, t.files, t.values, t.functions = at+word(3), at+word(4), at+word(5), at+word(6), at+word(7)
	last, err := t.u32(t.functions + 8*t.n)
	t.end = t.text + uint64(last)
	return t, err
}

func (t *table) u32(at uint64) (uint32, error) {
	var b [4]byte
	_, err := t.mem.ReadAt(b[:], int64(at))
	return binary.LittleEndian.Uint32(b[:]), err
}

// text reads a string that ends with a zero byte.
func (t *table) string(at uint64) string {
	var name []byte
	var b [64]byte
	for len(name) < maxName {
		n, err := t.mem.ReadAt(b[:], int64(at)+int64(len(name)))
		part := string(b[:n])
		if s, _, ended := strings.Cut(part, "\x00"); ended {
			return string(name) + s
		}
		if name = append(name, part...); err != nil {
			break
		}
	}
	return string(name)
}

// A function is a row of the table.
type function struct {
	name                string
	at                  uint64 // the row
	entry               uint64
	spdelta, file, line uint32 // offsets in values
	unit                uint32
	npcdata, nfuncdata  uint32
}

// find returns the function that has the address.
func (t *table) find(pc uint64) (f function, ok bool) {
	if pc < t.text || pc >= t.end {
		return f, false
	}
	offset := uint32(pc - t.text)
	low, high := uint64(0), t.n // entry(low) <= offset < entry(high)
	for high-low > 1 {
		middle := (low + high) / 2
		entry, err := t.u32(t.functions + 8*middle)
		if err != nil {
			return f, false
		}
		if entry <= offset {
			low = middle
		} else {
			high = middle
		}
	}
	at, err := t.u32(t.functions + 8*low + 4)
	if err != nil {
		return f, false
	}
	var row [fixed]byte
	f.at = t.functions + uint64(at)
	if _, err := t.mem.ReadAt(row[:], int64(f.at)); err != nil {
		return f, false
	}
	u32 := func(i int) uint32 { return binary.LittleEndian.Uint32(row[4*i:]) }
	f.name, f.entry = t.string(t.names+uint64(u32(1))), t.text+uint64(u32(0))
	f.spdelta, f.file, f.line, f.unit = u32(4), u32(5), u32(6), u32(8)
	f.npcdata, f.nfuncdata = u32(7), uint32(row[fixed-1])
	return f, f.name != "" && f.entry <= pc
}

// value looks up the value for pc in a table of values by address.
func (t *table) value(offset uint32, entry, pc uint64) (int32, bool) {
	if offset == 0 {
		return 0, false
	}
	r := reader{mem: t.mem, at: t.values + uint64(offset), left: maxRow}
	value := int32(-1)
	for at, first := entry, true; ; first = false {
		step, ok := r.uvarint()
		if !ok || step == 0 && !first {
			return 0, false
		}
		value += int32(-(step & 1) ^ (step >> 1))
		width, ok := r.uvarint()
		if !ok {
			return 0, false
		}
		if at += uint64(width) * t.quantum; pc < at {
			return value, true
		}
	}
}

// frames describes a place in a function: the calls that the compiler put in
// line there, innermost first, and the function itself.
func (t *table) frames(f function, pc uint64) (frames []Frame) {
	const maxInlined = 30
	for {
		frame := Frame{Function: f.name}
		if line, ok := t.value(f.line, f.entry, pc); ok {
			frame.Line = int(line)
		}
		if n, ok := t.value(f.file, f.entry, pc); ok && n >= 0 {
			if offset, err := t.u32(t.units + 4*(uint64(f.unit)+uint64(n))); err == nil && offset != ^uint32(0) {
				frame.File = t.string(t.files + uint64(offset))
			}
		}
		inlined, parent, ok := t.inlined(f, pc)
		if !ok || len(frames) == maxInlined {
			return append(frames, frame)
		}
		frame.Function, pc = inlined, parent
		frames = append(frames, frame)
	}
}

// inlined returns the function whose code is in line at pc, and an address of
// where it was called (runtime/symtabinl.go).
func (t *table) inlined(f function, pc uint64) (name string, parent uint64, ok bool) {
	const (
		index = 2  // PCDATA_InlTreeIndex
		tree  = 3  // FUNCDATA_InlTree
		size  = 16 // of runtime.inlinedCall
	)
	if t.data == 0 || f.npcdata <= index || f.nfuncdata <= tree {
		return "", 0, false
	}
	values, err := t.u32(f.at + fixed + 4*index)
	offset, err2 := t.u32(f.at + fixed + 4*(uint64(f.npcdata)+tree))
	if err != nil || err2 != nil || offset == ^uint32(0) {
		return "", 0, false
	}
	n, ok := t.value(values, f.entry, pc)
	if !ok || n < 0 {
		return "", 0, false
	}
	call := t.data + uint64(offset) + size*uint64(n)
	nameOffset, err := t.u32(call + 4)
	parentPC, err2 := t.u32(call + 8)
	if err != nil || err2 != nil {
		return "", 0, false
	}
	name = t.string(t.names + uint64(nameOffset))
	return name, f.entry + uint64(parentPC), name != ""
}

// A reader decodes numbers.
type reader struct {
	mem  io.ReaderAt
	at   uint64
	left int
	held []byte
}

func (r *reader) uvarint() (v uint32, ok bool) {
	for shift := 0; shift < 35; shift += 7 {
		if len(r.held) == 0 {
			b := make([]byte, 64)
			n, _ := r.mem.ReadAt(b, int64(r.at))
			if n == 0 || r.left <= 0 {
				return 0, false
			}
			r.held, r.at, r.left = b[:n], r.at+uint64(n), r.left-n
		}
		c := r.held[0]
		r.held = r.held[1:]
		if v |= uint32(c&0x7f) << shift; c < 0x80 {
			return v, true
		}
	}
	return 0, false
}

// pages reads memory that does not change, each page once and so many at most.
type pages struct {
	r    io.ReaderAt
	read map[int64][]byte
	left int
}

const pageSize = 4096

// maxPages is 16 MB: a stack needs a few dozen pages.
const maxPages = 4096

func newPages(r io.ReaderAt) *pages { return &pages{r, map[int64][]byte{}, maxPages} }

var errBudget = errors.New("its table of functions takes too long to read, or is made to")

func (p *pages) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) {
		page, ok := p.read[at/pageSize]
		if !ok {
			if p.left--; p.left < 0 {
				return n, errBudget
			}
			page = make([]byte, pageSize)
			k, err := p.r.ReadAt(page, at/pageSize*pageSize)
			if page = page[:k]; k == 0 && err == nil {
				err = io.ErrUnexpectedEOF
			}
			if k == 0 {
				return n, err
			}
			p.read[at/pageSize] = page
		}
		from := int(at % pageSize)
		if from >= len(page) {
			return n, io.ErrUnexpectedEOF
		}
		k := copy(b[n:], page[from:])
		n, at = n+k, at+int64(k)
	}
	return n, nil
}
