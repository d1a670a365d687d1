//go:build amd64 || arm64

package debugger

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/buildinfo"
)

// A CoreInfo is what a core file says of its process.
type CoreInfo struct {
	Name string // at most 15 bytes
	Exe  string // the path of the executable where the process ran; "" if it does not say

	entry uint64 // where the executable begins to run
	base  uint64 // where it is mapped
}

const (
	maxNotes = 16 << 20
	maxPath  = 4096
)

// ReadCore reads the notes of a core file, core(5).
func ReadCore(file string) (info CoreInfo, err error) {
	err = buildinfo.Read(file, func(r io.ReaderAt) error {
		f, err := elf.NewFile(r)
		if err != nil {
			return fmt.Errorf("it is not an ELF file: %w", err)
		}
		if f.Type != elf.ET_CORE || f.Class != elf.ELFCLASS64 || f.ByteOrder != binary.LittleEndian {
			return fmt.Errorf("it is not a core file of a 64-bit process (%v)", f.Type)
		}
		for _, p := range f.Progs {
			if p.Type != elf.PT_NOTE || p.Filesz > maxNotes {
				continue
			}
			notes := make([]byte, p.Filesz)
			if _, err := p.ReadAt(notes, 0); err != nil && err != io.EOF {
				return err
			}
			info = parseNotes(notes)
			return nil
		}
		return errors.New("it has no notes")
	})
	return info, err
}

// parseNotes reads NT_PRPSINFO, NT_AUXV and NT_FILE, elf(5).
func parseNotes(b []byte) (info CoreInfo) {
	le := binary.LittleEndian
	var files []byte
	for len(b) >= 12 {
		owner, size, kind := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:])), le.Uint32(b[8:])
		start := 12 + (owner+3)&^3
		if end := start + (size+3)&^3; start+size > uint64(len(b)) {
			break
		} else {
			desc := b[start : start+size]
			b = b[min(end, uint64(len(b))):]
			switch kind {
			case 3: // NT_PRPSINFO: the name is at 40
				if len(desc) >= 56 {
					info.Name, _, _ = strings.Cut(string(desc[40:56]), "\x00")
				}
			case 6: // NT_AUXV: AT_ENTRY
				for ; len(desc) >= 16; desc = desc[16:] {
					if le.Uint64(desc) == 9 {
						info.entry = le.Uint64(desc[8:])
					}
				}
			case 0x46494c45: // NT_FILE
				files = desc
			}
		}
	}
	if len(files) < 16 || le.Uint64(files) > uint64(len(files)-16)/24 {
		return info
	}
	n := le.Uint64(files)
	names := strings.SplitN(string(files[16+24*n:]), "\x00", int(n)+1)
	for i := range min(int(n), len(names)) {
		row := files[16+24*i:]
		if info.entry >= le.Uint64(row) && info.entry < le.Uint64(row[8:]) && len(names[i]) < maxPath {
			info.Exe = names[i]
		}
	}
	for i := range min(int(n), len(names)) {
		if row := files[16+24*i:]; names[i] == info.Exe && le.Uint64(row[16:]) == 0 {
			info.base = le.Uint64(row)
			break
		}
	}
	return info
}

// Matches fails if the executable cannot be that of the process.
func (i CoreInfo) Matches(exe string) error {
	if i.entry == 0 {
		return nil
	}
	return buildinfo.Read(exe, func(r io.ReaderAt) error {
		f, err := elf.NewFile(r)
		if err != nil {
			return err
		}
		page := uint64(os.Getpagesize())
		if f.Type == elf.ET_EXEC && f.Entry != i.entry || f.Entry%page != i.entry%page || f.Type == elf.ET_DYN && i.base != 0 && f.Entry != i.entry-i.base {
			return errors.New("it is another build: it begins at another address")
		}
		return nil
	})
}
