package printable

import (
	"bytes"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestWriter(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"plain\ttext\n":              "plain\ttext\n",
		"no end":                     "no end\n",
		"\x1b]0;title\a\x1b[2J\n":    "^[]0;title^G^[[2J\n",
		"dos\r\nand\rover\r\n":       "dos\nand^Mover\n",
		"\x7f\x00\b\n":               "^?^@^H\n",
		"\u009b2J \x9b2J\n":          `\u009b2J \x9b2J` + "\n",
		"äöü 日本 é\n":                 "äöü 日本 é\n",
		"admin\u202etxt.exe\ufeff\n": `admin\u202etxt.exe\ufeff` + "\n",
		"cut \xe6\x97":               `cut \xe6\x97` + "\n",
		"cr\r":                       "cr^M\n",
	} {
		for _, step := range []int{1, 2, 1000} {
			var b bytes.Buffer
			v := NewWriter(&b)
			for p := []byte(text); len(p) > 0; {
				n := min(step, len(p))
				v.Write(p[:n])
				p = p[n:]
			}
			v.Close()
			if b.String() != want {
				t.Errorf("%q in steps of %d: %q, want %q", text, step, b.String(), want)
			}
		}
	}
}

func FuzzWriter(f *testing.F) {
	f.Add([]byte("a\x1b[31m\r"), []byte("\n\xe6\x97"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var b bytes.Buffer
		v := NewWriter(&b)
		v.Write(first)
		v.Write(second)
		v.Close()
		if !utf8.Valid(b.Bytes()) {
			t.Errorf("%q", b.Bytes())
		}
		for _, r := range b.String() {
			if r != '\n' && r != '\t' && !unicode.IsGraphic(r) {
				t.Errorf("%q in %q", r, b.Bytes())
			}
		}
	})
}
