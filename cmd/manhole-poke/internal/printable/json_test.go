package printable

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func FuzzJSON(f *testing.F) {
	f.Add("a\n\x1b\u009b\u202e\U000e0001\\\"<&>日本\x7f")
	f.Fuzz(func(t *testing.T, s string) {
		text, err := JSON(s)
		if err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal(text, &back); err != nil || back != strings.ToValidUTF8(s, string(utf8.RuneError)) && utf8.ValidString(s) {
			t.Errorf("%q became %q: %v", s, text, err)
		}
		line, ended := bytes.CutSuffix(text, []byte("\n"))
		if !ended || bytes.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q became %q", s, text)
		}
	})
}
