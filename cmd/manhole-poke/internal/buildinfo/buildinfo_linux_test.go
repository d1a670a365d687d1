package buildinfo

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadFile(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadFile(exe)
	if err != nil || b.GoVersion != runtime.Version() {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := ReadFile("/bin/sh"); err == nil {
		t.Error("sh is written in Go")
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(fifo); !errors.As(err, new(*os.PathError)) {
		t.Error(err)
	}
}

// A file of a few bytes on disk whose section table lies in a hole as long as
// the format has numbers for.
func TestHoles(t *testing.T) {
	for name, sections := range map[string]uint64{"65,000 sections": 65_000, "as many as 32 bits have": 1<<32 - 1} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "exe")
			if err := os.WriteFile(file, hollow(sections), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(file, 1<<42); err != nil {
				t.Skip(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if b, err := ReadFile(file); err == nil {
				t.Errorf("%+v", b)
			}
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 8*maxBytes {
				t.Errorf("%d bytes allocated", n)
			}
		})
	}
}

// hollow is an ELF header that announces that many sections, elf(5).
func hollow(sections uint64) []byte {
	le := binary.LittleEndian
	b := make([]byte, 64+64)
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], 2)  // ET_EXEC
	le.PutUint16(b[18:], 62) // EM_X86_64
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[40:], 64) // e_shoff
	le.PutUint16(b[52:], 64) // e_ehsize
	le.PutUint16(b[54:], 56) // e_phentsize
	le.PutUint16(b[58:], 64) // e_shentsize
	if sections < 0xff00 {
		le.PutUint16(b[60:], uint16(sections))
	} else {
		le.PutUint64(b[64+32:], sections) // sh_size of the first
	}
	return b
}

// A lease is held by a process that takes its time to give it up.
func TestLease(t *testing.T) {
	file := filepath.Join(t.TempDir(), "exe")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skip(err)
	}
	if _, err := ReadFile(file); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(hollow(3))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "exe")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		ReadFile(file)
	})
}
