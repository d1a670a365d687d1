package armednote

import (
	"strings"
	"testing"
)

var note = Note{PID: 7, Signal: 12, Path: "/tmp/manhole-7", Tagged: true}

func TestParse(t *testing.T) {
	text := string(note.Text("SIGUSR2"))
	if n, err := Parse([]byte(text)); err != nil || n != note {
		t.Errorf("%+v, %v", n, err)
	}
	n, err := Parse([]byte(strings.Replace(text, "/tmp/", "@", 1)))
	if want := (Note{7, 12, "@manhole-7", true, note.Copies}); err != nil || n != want {
		t.Errorf("without a file: %+v, %v", n, err)
	}
	if n, err := Parse([]byte(text + "later=more\n")); err != nil || n != note {
		t.Errorf("with a line of a later version: %+v, %v", n, err)
	}
	for _, bad := range []string{
		"",
		strings.Replace(text, "/tmp/manhole-7", "@", 1),
		strings.Replace(text, "/tmp/manhole-7", "", 1),
		strings.Replace(text, "lazy=1", "lazy=2", 1),
		strings.Replace(text, "pid=7", "pid=-7", 1),
		strings.Replace(text, "signo=12", "signo=65", 1),
		strings.Replace(text, "signo=12", "signo=", 1),
		strings.Replace(text, "/tmp", "tmp", 1),
		strings.Replace(text, "/tmp", "/\x1b[2J", 1),
		strings.Replace(text, "/tmp", "/"+strings.Repeat("x", maxPath), 1),
		text + strings.Repeat("x", Size),
	} {
		if n, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(note.Text("SIGUSR2"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := Parse(text)
		if err == nil && (n.PID <= 0 || n.Signal < 1 || n.Signal > 64 || len(n.Path) < 1 || n.Path[0] != '/' && n.Path[0] != '@' || len(n.Path) > maxPath) {
			t.Errorf("believed %q: %+v", text, n)
		}
	})
}
