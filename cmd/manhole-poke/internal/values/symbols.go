package values

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// check checks that there are symbols: in the executable itself, or in its twin,
// which must be of the same build. It returns the architecture.
func check(exe, twin string) (arch string, err error) {
	e, err := open(exe)
	if err != nil {
		return "", fmt.Errorf("cannot read the executable of the process: %w", err)
	}
	defer e.Close()
	if arch = archs[e.Machine]; arch == "" {
		return "", fmt.Errorf("the architecture %v is not supported by Delve", e.Machine)
	}
	if twin == "" {
		if !hasSymbols(e) {
			return "", errors.New("the program has no symbols: it was linked with -s or -w, as go run does, or stripped; give its unstripped twin with --exe FILE. stack and all other commands of the session work without symbols")
		}
		return arch, nil
	}
	t, err := open(twin)
	if err != nil {
		return "", fmt.Errorf("cannot read the symbols: %w", err)
	}
	defer t.Close()
	switch {
	case t.Machine != e.Machine:
		return "", fmt.Errorf("%s is for %v, and the process runs on %v; give the twin of the process's executable", twin, t.Machine, e.Machine)
	case !hasSymbols(t):
		return "", fmt.Errorf("%s has no symbols either; build it without -ldflags=-s and -w, and do not strip it", twin)
	}
	return arch, sameBuild(e, t, twin)
}

// open opens an ELF file, of which a hostile one is no pipe or device that
// blocks.
func open(path string) (*elf.File, error) {
	if i, err := os.Stat(path); err != nil {
		return nil, err
	} else if !i.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := elf.Open(path)
	if e := (*elf.FormatError)(nil); errors.As(err, &e) || err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("%s is not an ELF executable (%v)", path, err)
	}
	return f, err
}

func hasSymbols(f *elf.File) bool {
	for _, s := range f.Sections {
		if (s.Name == ".debug_info" || s.Name == ".zdebug_info") && s.Size > 0 && s.Type != elf.SHT_NOBITS {
			return true
		}
	}
	return false
}

// sameBuild fails unless both files come from one build. The linker's flags are
// part of Go's build id, so that those of a program and its twin without -s -w
// differ in the first and last part: then all that is loaded must be the same,
// so that every address means the same.
func sameBuild(e, t *elf.File, twin string) error {
	for _, note := range []string{".note.gnu.build-id", ".note.go.buildid"} {
		a, b := noteOf(e, note), noteOf(t, note)
		if a != "" && a == b {
			return nil
		}
	}
	a, b := noteOf(e, ".note.go.buildid"), noteOf(t, ".note.go.buildid")
	if a == "" || b == "" {
		return fmt.Errorf("it cannot be known whether %s is of the same build: a build id is missing (go build -buildid=, or -ldflags=-buildid=)", twin)
	}
	if middle(a) != middle(b) {
		return fmt.Errorf("%s is not from the same build as the running program: the build IDs differ; give the twin of that build", twin)
	}
	if what := differs(e, t); what != "" {
		return fmt.Errorf("%s has the same code as the program that runs, but was linked otherwise (%s differs), so that its addresses mean something else; link both with -trimpath, or build once and strip a copy: go build -o FILE && strip -o PROGRAM FILE", twin, what)
	}
	return nil
}

// middle returns the parts of a build id that do not depend on the linker.
func middle(id string) string {
	parts := strings.Split(id, "/")
	if len(parts) != 4 || parts[1] == "" || parts[2] == "" {
		return id
	}
	return parts[1] + "/" + parts[2]
}

// noteOf returns the content of a section with one note, or "".
func noteOf(f *elf.File, name string) string {
	s := f.Section(name)
	if s == nil || s.Type == elf.SHT_NOBITS || s.Size > 4096 {
		return ""
	}
	b, err := s.Data()
	if err != nil {
		return ""
	}
	return describedBy(b, f.ByteOrder)
}

// describedBy returns the content of the first note in a section, elf(5), or "".
func describedBy(note []byte, order binary.ByteOrder) string {
	if len(note) < 12 {
		return ""
	}
	owner, size := uint64(order.Uint32(note)), uint64(order.Uint32(note[4:]))
	start := 12 + (owner+3)&^3
	if start+size > uint64(len(note)) {
		return ""
	}
	return string(note[start : start+size])
}

// differs returns a section that is loaded and not the same in both, or "".
func differs(e, t *elf.File) string {
	for _, a := range e.Sections {
		if a.Flags&elf.SHF_ALLOC == 0 || strings.HasPrefix(a.Name, ".note.") {
			continue
		}
		b := t.Section(a.Name)
		if b == nil || a.Addr != b.Addr || a.Size != b.Size || a.Type != b.Type {
			return a.Name
		}
		if (a.Name == ".text" || a.Name == ".typelink" || a.Name == ".gopclntab") && !sameContent(a.Open(), b.Open()) {
			return a.Name
		}
	}
	return ""
}

func sameContent(a, b io.Reader) bool {
	x, y := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, err := io.ReadFull(a, x)
		m, err2 := io.ReadFull(b, y)
		if n != m || !bytes.Equal(x[:n], y[:m]) {
			return false
		}
		if err != nil || err2 != nil {
			return err == err2 && (err == io.EOF || err == io.ErrUnexpectedEOF)
		}
	}
}
