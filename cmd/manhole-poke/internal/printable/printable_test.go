package printable

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzLine(f *testing.F) {
	f.Add("name\n\x1b[2J\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if l := Line(s); strings.ContainsAny(l, "\n\r\x1b\t") || !utf8.ValidString(l) {
			t.Errorf("%q became %q", s, l)
		}
	})
}
