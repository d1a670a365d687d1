// Package symbols names package variables by their addresses, from the symbol table
// of the executable. It is much less than package debug/elf, and adds much less to a
// program.
package symbols

import (
	"encoding/binary"
	"errors"
	"io"
	"sort"
	"strconv"
)

var errTable = errors.New("no symbol table")

// Bounds of what is read.
const (
	maxSections = 1 << 12
	maxTable    = 128 << 20
	maxName     = 256
)

type section struct {
	kind, link                  uint32
	flags, addr, offset, length uint64
}

const (
	symbolTable = 2 // SHT_SYMTAB
	writable    = 1 // SHF_WRITE
	object      = 1 // STT_OBJECT
	symbolSize  = 24
)

// find calls visit with the name of each variable that is at one of the addresses,
// which are sorted, or around it: then an offset follows the name. bias is what the
// addresses are above those of the file.
func find(r io.ReaderAt, bias func(entry uint64) uint64, addresses []uint64, visit func(address uint64, name string)) error {
	var head [64]byte
	if _, err := r.ReadAt(head[:], 0); err != nil || string(head[:6]) != "\x7fELF\x02\x01" {
		return errTable // of 64 bits, little endian
	}
	le := binary.LittleEndian
	size, n := uint64(le.Uint16(head[58:])), uint64(le.Uint16(head[60:]))
	if size != 64 || n > maxSections {
		return errTable
	}
	b := make([]byte, size*n)
	if _, err := r.ReadAt(b, int64(le.Uint64(head[40:])&(1<<62-1))); err != nil {
		return errTable
	}
	up := bias(le.Uint64(head[24:]))
	sections := make([]section, n)
	inside := false // whether any address is in a variable
	for i := range sections {
		h := b[64*i:]
		s := section{le.Uint32(h[4:]), le.Uint32(h[40:]), le.Uint64(h[8:]), le.Uint64(h[16:]), le.Uint64(h[24:]) & (1<<62 - 1), le.Uint64(h[32:])}
		sections[i] = s
		k := next(addresses, s.addr+up)
		inside = inside || s.flags&writable != 0 && k < len(addresses) && addresses[k]-up-s.addr < s.length
	}
	if !inside {
		return nil
	}
	for _, s := range sections {
		if s.kind == symbolTable && uint64(s.link) < n && s.length <= maxTable {
			return read(r, s, sections[s.link], up, addresses, visit)
		}
	}
	return errTable
}

// next returns the place of the first address from a on.
func next(addresses []uint64, a uint64) int {
	return sort.Search(len(addresses), func(i int) bool { return addresses[i] >= a })
}

// read reads the symbols in the table.
func read(r io.ReaderAt, table, text section, up uint64, addresses []uint64, visit func(uint64, string)) error {
	buf := make([]byte, 2048*symbolSize)
	le := binary.LittleEndian
	for at := uint64(0); at+symbolSize <= table.length; at += uint64(len(buf)) {
		b := buf[:min(uint64(len(buf)), (table.length-at)/symbolSize*symbolSize)]
		if _, err := r.ReadAt(b, int64(table.offset+at)); err != nil {
			return errTable
		}
		for ; len(b) > 0; b = b[symbolSize:] {
			value, length := le.Uint64(b[8:])+up, le.Uint64(b[16:])
			if b[4]&15 != object {
				continue
			}
			for k := next(addresses, value); k < len(addresses) && addresses[k]-value < length; k++ {
				name := nameAt(r, text, uint64(le.Uint32(b)))
				if name == "" {
					break
				}
				if offset := addresses[k] - value; offset > 0 {
					name += "+" + strconv.FormatUint(offset, 10)
				}
				visit(addresses[k], name)
			}
		}
	}
	return nil
}

// nameAt reads a name, or "" if it is no name that can be shown.
func nameAt(r io.ReaderAt, text section, at uint64) string {
	var b [maxName]byte
	if at >= text.length {
		return ""
	}
	n, _ := r.ReadAt(b[:min(maxName, text.length-at)], int64(text.offset+at))
	for i, c := range b[:n] {
		switch {
		case c == 0:
			return string(b[:i])
		case c < ' ' || c == 127:
			return ""
		}
	}
	return ""
}
