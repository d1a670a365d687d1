package redact

import (
	"regexp"
	"strings"
	"testing"
)

// inside is what Value looks for in a value: in an address with a password, in a
// list of settings, and in a header.
var inside = regexp.MustCompile(`(?i)(://[^/?#\s:@]*:)[^/?#\s]*(@)|((?:pass\w*|pwd|secret|token|signature|\w*key)\s*=\s*)[^\s&;,]+|(\b(?:bearer|basic)\s+)\S+`)

func FuzzValue(f *testing.F) {
	for _, v := range []string{
		"", "x", "postgres://u:p@w@host/db?x=1", "://:@", "a://b:c/d@e", "://a@b:c@d", "PassWord = x;pwd=y, token=z&secret=",
		"my_key=1", "key=", "key==a", "keys=1", "apikey = \t abc def", "Authorization: Bearer abc", "bearer", "bearer  ", "xbearer y", "basic pass=x", "passkey=pass=1",
		"a=pwd=1", "pwd=pwd=1 pwd=2", "token pwd=1", "pass\xff=1", "key=\xff\xfe", "://u:é@h", "é=1 signature=é",
	} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsAny(value, "ſ\u212a") {
			return // variants of s and k
		}
		if got, want := Value("X", value), inside.ReplaceAllString(value, "$1$3$4"+Mask+"$2"); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	})
}
