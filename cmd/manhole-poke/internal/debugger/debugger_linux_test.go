//go:build amd64 || arm64

package debugger

import (
	"encoding/binary"
	"slices"
	"testing"
)

func TestRefused(t *testing.T) {
	for _, line := range []string{"continue", " c ", "next 3", "set x = 1", "source x", "ed", "config -save", "break main.main"} {
		if refused(line) == "" {
			t.Errorf("%q is let through", line)
		}
	}
	for _, line := range []string{"", "print x", "goroutines -t", "config max-string-len 10", "stack", "exit", "clearly-no-command"} {
		if why := refused(line); why != "" {
			t.Errorf("%q: %s", line, why)
		}
	}
}

func note(kind uint32, desc []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 5)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(desc)))
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = append(b, "CORE\x00\x00\x00\x00"...)
	return append(b, append(desc, make([]byte, -len(desc)&3)...)...)
}

func words(n ...uint64) (b []byte) {
	for _, v := range n {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

func someNotes() []byte {
	name := append(make([]byte, 40), "shop\x00"...)
	return slices.Concat(
		note(3, append(name, make([]byte, 136-len(name))...)),
		note(6, words(9, 0x401234, 0, 0)),
		note(0x46494c45, append(words(3, 4096, 0x400000, 0x401000, 0, 0x401000, 0x402000, 1, 0x7f0000, 0x7f1000, 0), "/bin/shop\x00/bin/shop\x00/lib/libc.so\x00"...)),
	)
}

func TestParseNotes(t *testing.T) {
	if got, want := parseNotes(someNotes()), (CoreInfo{Name: "shop", Exe: "/bin/shop", entry: 0x401234, base: 0x400000}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func FuzzNotes(f *testing.F) {
	f.Add(someNotes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if i := parseNotes(b); len(i.Name) > 16 || len(i.Exe) >= maxPath {
			t.Errorf("%+v", i)
		}
	})
}
