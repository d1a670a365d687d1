package frozen

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const original = "Name:\tprogram\nState:\tS (sleeping)\nTgid:\t7\nPPid:\t1\nUid:\t5\t5\t5\t5\nGid:\t6\t6\t6\t6\nNSpid:\t7\nCapPrm:\t0\nSigBlk:\t0\nSigIgn:\t0\nSigCgt:\t0\n"

// Only a child with the process's own user is its copy, whatever it calls
// itself and whatever PID the process gives.
func TestIsCopy(t *testing.T) {
	good := strings.NewReplacer("program", "lazy-frozen", "Tgid:\t7", "Tgid:\t9", "PPid:\t1", "PPid:\t7", "NSpid:\t7", "NSpid:\t9\t3").Replace(original)
	if !isCopy([]byte(good), []byte(original), 7, 3) {
		t.Error("it is a copy")
	}
	for _, c := range []struct{ from, to string }{
		{"lazy-frozen", "sshd"}, {"PPid:\t7", "PPid:\t1"}, {"Uid:\t5\t5\t5\t5", "Uid:\t5\t5\t0\t5"}, {"Gid:\t6\t6\t6\t6", "Gid:\t6\t6\t6\t0"},
		{"CapPrm:\t0", "CapPrm:\t1"}, {"NSpid:\t9\t3", "NSpid:\t9\t4"}, {"NSpid:\t9\t3\n", ""}, {"PPid:\t7\n", ""}, {"State:\tS (sleeping)\n", ""},
	} {
		if isCopy([]byte(strings.Replace(good, c.from, c.to, 1)), []byte(original), 7, 3) {
			t.Errorf("with %q it is none", c.to)
		}
	}
}

func FuzzIsCopy(f *testing.F) {
	f.Add([]byte(original))
	f.Fuzz(func(t *testing.T, status []byte) { isCopy(status, []byte(original), 7, 3) })
}

func TestSparse(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "core"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content := slices.Concat([]byte("head"), make([]byte, 10*blockSize), []byte("middle"), make([]byte, 1<<20))
	for _, step := range []int{1 << 20, blockSize, 1000} {
		w := &sparse{f: f}
		for p := content; len(p) > 0; {
			n := min(step, len(p))
			if _, err := w.Write(p[:n]); err != nil {
				t.Fatal(err)
			}
			p = p[n:]
		}
		f.Truncate(w.size)
		got, err := os.ReadFile(f.Name())
		var s unix.Stat_t
		if unix.Stat(f.Name(), &s); err != nil || !bytes.Equal(got, content) || s.Blocks*512 > 20*blockSize {
			t.Errorf("in steps of %d: %d bytes in %d blocks, %v", step, len(got), s.Blocks, err)
		}
	}
	w := &sparse{f: full{}}
	if _, err := w.Write([]byte("x")); !errors.Is(err, unix.ENOSPC) {
		t.Error(err)
	}
	if _, err := w.Write(nil); !errors.Is(err, unix.ENOSPC) {
		t.Error(err)
	}
}

type full struct{ io.WriterAt }

func (full) WriteAt([]byte, int64) (int, error) { return 0, unix.ENOSPC }

func TestFirstLine(t *testing.T) {
	for _, parts := range [][]string{{"a\nb"}, {"a", "\n"}, {"a\n", "b\n"}} {
		f := &firstLine{complete: make(chan struct{})}
		for _, p := range parts {
			f.Write([]byte(p))
		}
		<-f.complete
		if string(f.line) != "a" {
			t.Errorf("%q: %q", parts, f.line)
		}
	}
	f := &firstLine{complete: make(chan struct{})}
	for range 100 {
		f.Write(make([]byte, 1000))
	}
	<-f.complete // and no more is kept
	if len(f.line) > 100_000 {
		t.Error(len(f.line))
	}
}

func TestTemporary(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	f, err := temporary()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var s unix.Stat_t
	left, _ := os.ReadDir(dir)
	if unix.Fstat(int(f.Fd()), &s); s.Mode&0o777 != 0o600 || s.Nlink != 0 || len(left) > 0 {
		t.Errorf("mode %o, %d links, %v", s.Mode, s.Nlink, left)
	}
}
