package main

import (
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
)

const armedText = "lazy=1\npid=7\nsignal=SIGUSR2\nsigno=12\npath=/tmp/manhole-7\n"

func TestParseArmedNote(t *testing.T) {
	n, err := parseArmedNote([]byte(armedText))
	if want := (armedNote{7, 12, "/tmp/manhole-7"}); err != nil || n != want {
		t.Errorf("got %+v, %v", n, err)
	}
	n, err = parseArmedNote([]byte(strings.Replace(armedText, "/tmp/", "@", 1)))
	if want := (armedNote{7, 12, "@manhole-7"}); err != nil || n != want {
		t.Errorf("without a file: got %+v, %v", n, err)
	}
	for _, bad := range []string{
		"",
		strings.Replace(armedText, "/tmp/manhole-7", "@", 1),
		strings.Replace(armedText, "/tmp/manhole-7", "", 1),
		strings.Replace(armedText, "lazy=1", "lazy=2", 1),
		strings.Replace(armedText, "pid=7", "pid=-7", 1),
		strings.Replace(armedText, "signo=12", "signo=65", 1),
		strings.Replace(armedText, "signo=12", "signo=", 1),
		strings.Replace(armedText, "/tmp", "tmp", 1),
		strings.Replace(armedText, "/tmp", "/\x1b[2J", 1),
		strings.Replace(armedText, "/tmp", "/"+strings.Repeat("x", 107), 1),
		armedText + strings.Repeat("x", armedNoteMax),
	} {
		if n, err := parseArmedNote([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, n)
		}
	}
}

func FuzzParseArmedNote(f *testing.F) {
	f.Add([]byte(armedText))
	f.Add([]byte(strings.Replace(armedText, "/tmp/", "@", 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := parseArmedNote(text)
		if err == nil && (n.pid <= 0 || n.signal < 1 || n.signal > 64 || len(n.path) < 1 || n.path[0] != '/' && n.path[0] != '@' || len(n.path) > procfs.MaxPath) {
			t.Errorf("believed %q: %+v", text, n)
		}
	})
}
