//go:build amd64 || arm64

package freeze

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

var secret = [...]byte{7, 'c', 'o', 'p', 'y', 7}

// TestCore reads from a core file what this process had when the copy was made.
func TestCore(t *testing.T) {
	lazytest.SkipEmulated(t, "its memory is not where the process sees it")
	const large = 1 << 30
	untouched, err := unix.Mmap(-1, 0, large, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(untouched)
	unix.Madvise(untouched, unix.MADV_NOHUGEPAGE)
	copy(untouched[large/2:], secret[:])
	heap := bytes.Clone(secret[:])
	c, err := Take(request())
	if err != nil {
		t.Fatal(err)
	}
	defer c.End()
	// The copy has what was there before.
	clear(heap)
	clear(untouched[large/2:][:len(secret)])
	// Not into memory, which would be part of the next core file.
	file, err := os.Create(filepath.Join(t.TempDir(), "core"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reports := 0
	if err := c.WriteCore(t.Context(), file, func(done, all int64) {
		if reports++; done > all {
			t.Errorf("%d of %d bytes", done, all)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if info, err := file.Stat(); err != nil || info.Size() > large/2 || reports == 0 {
		t.Errorf("%v, %v, %d reports", info, err, reports)
	}
	f, err := elf.NewFile(file)
	if err != nil || f.Type != elf.ET_CORE {
		t.Fatal(err)
	}
	read := func(at uintptr, n int) []byte {
		b := make([]byte, n)
		for _, p := range f.Progs {
			if p.Type == elf.PT_LOAD && p.Vaddr <= uint64(at) && uint64(at)+uint64(n) <= p.Vaddr+p.Filesz {
				if _, err := p.ReadAt(b, int64(uint64(at)-p.Vaddr)); err != nil {
					t.Error(err)
				}
				return b
			}
		}
		t.Errorf("%#x is not in the file", at)
		return b
	}
	for name, at := range map[string]unsafe.Pointer{"variable": unsafe.Pointer(&secret), "heap": unsafe.Pointer(&heap[0]), "mapping": unsafe.Pointer(&untouched[large/2])} {
		if got := read(uintptr(at), len(secret)); !bytes.Equal(got, secret[:]) {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, offset := range []int{0, large/2 - 1<<20, large - 10} {
		if got := read(uintptr(unsafe.Pointer(&untouched[offset])), 10); !bytes.Equal(got, make([]byte, 10)) {
			t.Errorf("untouched memory: %q", got)
		}
	}
	sizes := map[uint32]int{}
	named := false
	for _, p := range f.Progs {
		if p.Type == elf.PT_NOTE {
			notes := make([]byte, p.Filesz)
			p.ReadAt(notes, 0)
			named = bytes.Contains(notes, append([]byte(lazytest.Exe(t)), 0))
			for len(notes) >= 12 {
				name, desc, kind := binary.NativeEndian.Uint32(notes), binary.NativeEndian.Uint32(notes[4:]), binary.NativeEndian.Uint32(notes[8:])
				sizes[kind] = int(desc)
				notes = notes[12+(name+3)&^3+(desc+3)&^3:]
			}
		}
	}
	for kind, size := range map[uint32]int{1: 112 + 8*registers + 8, 3: 136, 6: -1, 0x46494c45: -1} {
		if got := sizes[kind]; got == 0 || size > 0 && got != size {
			t.Errorf("note %d has %d bytes, not %d", kind, got, size)
		}
	}
	if !named {
		t.Error("the executable is not in NT_FILE")
	}
}

func TestCoreWithoutDescriptors(t *testing.T) {
	p := lazytest.Start(t, "program")
	p.Ask("take")
	for left, want := range []string{"raise RLIMIT_NOFILE", "raise RLIMIT_NOFILE"} {
		lazytest.Wants(t, p.Ask(fmt.Sprint("core ", left)), want)
	}
	if got := p.Ask("core 3"); got != "done" {
		t.Error(got)
	}
	p.Ask("end")
}
