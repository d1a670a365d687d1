package gostack

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/buildinfo"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
)

// A Program is a running Go program. It is for one goroutine.
type Program struct {
	pid   int
	mem   *os.File
	table *table
}

// Open opens the memory of a process, which needs the right to trace it, and
// finds its table of functions. A file system that does not answer can block it,
// and so can another thread of the process that holds the lock on its memory.
func Open(pid int) (*Program, error) {
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil, err
	}
	p := &Program{pid: pid, mem: mem}
	if err := p.findTable(); err != nil {
		mem.Close()
		return nil, err
	}
	return p, nil
}

// Close closes the memory.
func (p *Program) Close() { p.mem.Close() }

func (p *Program) findTable() error {
	const atEntry = 9 // AT_ENTRY, getauxval(3)
	auxv, err := procfs.ReadFile(fmt.Sprintf("/proc/%d/auxv", p.pid))
	if err != nil {
		return err
	}
	var entry uint64
	for ; len(auxv) >= 16; auxv = auxv[16:] {
		if binary.LittleEndian.Uint64(auxv) == atEntry {
			entry = binary.LittleEndian.Uint64(auxv[8:])
		}
	}
	var tab, tabSize, module, from, to uint64
	err = buildinfo.Read(fmt.Sprintf("/proc/%d/exe", p.pid), func(r io.ReaderAt) error {
		exe, err := elf.NewFile(r)
		if err != nil {
			return err
		}
		if exe.Class != elf.ELFCLASS64 || exe.ByteOrder != binary.LittleEndian {
			return errors.ErrUnsupported
		}
		moved := entry - exe.Entry // of a position-independent executable
		for _, s := range exe.Sections {
			switch s.Name {
			case ".gopclntab", ".data.rel.ro.gopclntab":
				tab, tabSize = moved+s.Addr, s.Size
			case ".go.module": // Go 1.26 and later
				module = moved + s.Addr
			case ".noptrdata":
				from, to = moved+s.Addr, moved+s.Addr+min(s.Size, maxSearch)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if tab == 0 {
		return errors.New("its executable has no table of functions")
	}
	mem := newPages(p.mem)
	word := func(at uint64) uint64 {
		var b [8]byte
		mem.ReadAt(b[:], int64(at))
		return binary.LittleEndian.Uint64(b[:])
	}
	for at := from; module == 0 && at < to; at += 8 {
		if word(at) == tab {
			module = at
		}
	}
	var text, data uint64
	if module != 0 {
		// Two fields of runtime.moduledata, from Go 1.20 on: text after a
		// pointer, six slices and three more words, and gofunc, which moved in Go
		// 1.27. The end of the table comes after it.
		field := func(i uint64) uint64 { return word(module + 8 + 6*24 + 8*i) }
		text, data = field(3), field(21)
		if end := field(25); end > tab && end-tab <= tabSize {
			data = field(24)
		}
	}
	p.table, err = readTable(mem, tab, text, data)
	return err
}

// maxSearch is how much of the data of a program before Go 1.26 is searched for
// runtime.firstmoduledata, which begins with the address of the table.
const maxSearch = 4 << 20

// Asleep returns the calls of a thread that sleeps in the kernel, innermost
// first, from its program counter and stack pointer.
func (p *Program) Asleep(pc, sp uint64) []Frame {
	return p.walk(place{pc: pc, sp: sp})
}

func (p *Program) walk(at place) (frames []Frame) {
	defer func() {
		if v := recover(); v != nil { // the table is not ours
			frames = nil
		}
	}()
	stack := newPages(p.mem) // a copy of this moment
	return p.table.walk(at, func(at uint64) (uint64, bool) {
		var b [8]byte
		if _, err := stack.ReadAt(b[:], int64(at)); err != nil {
			return 0, false
		}
		return binary.LittleEndian.Uint64(b[:]), true
	})
}
