package pattern

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
	"unicode/utf8"
)

var (
	patterns = []string{
		"", "a", "abc", "a.c", "a|b", "a|", "|", "()", "(a|b)*c", "a*", "a+?b", "a??", "^a$", "^", "$", "(?m)^a$", "(?s)a.b", "a.b",
		"(?i)Straße", "(?i)k", "(?i)[k-m]", "(?i)[^k]", "(?i:a)b", "a(?i)b|c", "(a(?i)b)c", "(?i-s)a", "(?-i)a", "(?U)a*", "(?P<x>a)", "(?<x>a)",
		`\d+`, `\D`, `\w\W\s\S`, `[\d\W]`, `(?i)[\W]`, `(?i)\w`, `\bfoo\b`, `\Boo`, `\Aa\z`, `\.go`, `\Qa.b\Ec`, `\Qa`, `a\E`, `\x41\x{1F600}\101\0`, `\_`,
		"[a-c]", "[^a-c]", "[]a]", "[^]a]", "[a-]", "[-a]", "[a-b-c]", "[[:alpha:]]", "[[:^alpha:]x]", "[[:nope:]]", "[:alpha:]", "[", "[a", "[b-a]",
		"a{2}", "a{2,}", "a{2,3}", "a{3,2}", "a{1001}", "a{,2}", "a{", "a{x}", "a{02}", "(a{2}){3}", "{", "x{1",
		"*", "a**", "a*+", "(*)", "|*", "^*", "(?i)*", "(", ")", "(a", "a)", "(?", "(?z)", "(?i", "(?P<x", "(?P<>a)", "(?P<1>a)", `\`, `\1`, `\8`, `\q`, `\pL`, `[\pL]`, `\C`, `\x`, `\x{`, `\xg1`, "(?i-)", "(?-)", "(?:)", "(?)", "(?--i)",
		"http\\.", "^main\\.", "(?i)pass|pwd|secret$", "a\xff", "é+", "[é-ü]", "\uFFFD", "(?i)ſ", "[^\\x00-\\x{10FFFF}]", "(|a)*", "(a*)*b", "(a|b|ab)*bc", "^^$$", "(^a)+",
	}
	texts = []string{"", "a", "abc", "aac", "aXc", "a\nc", "ABC", "STRASSE", "straße", "\u212a", "kKſ", "foo bar", "xfoo", "a.b", "a.bc", "A😀A\x00", "_", "]", "-", "éü", "\xff", "a\xffb", "main.main", "net/http.(*conn).serve", "aaaaaa", "{", "a{x}", "abbbc", "\n", "a\n", "b\na\nc", "Secret"}
)

func compare(t *testing.T, pattern string, texts ...string) {
	t.Helper()
	want, wrong := regexp.Compile(pattern)
	got, err := Compile(pattern)
	var s *syntax.Error
	switch {
	case errors.As(wrong, &s) && (s.Code == syntax.ErrInvalidRepeatSize || s.Code == syntax.ErrLarge || s.Code == syntax.ErrNestingDepth):
		return
	case errors.As(wrong, &s) && s.Code == syntax.ErrInvalidNamedCapture:
		return // names mean nothing here
	case wrong == nil && err != nil:
		if !strings.Contains(err.Error(), "not known here") && !strings.Contains(err.Error(), "too large") {
			t.Errorf("%q: %v", pattern, err)
		}
	case wrong != nil && err == nil:
		t.Errorf("%q is accepted; regexp: %v", pattern, wrong)
	case err == nil:
		for _, text := range texts {
			if w, g := want.MatchString(text), got.MatchString(text); g != w {
				t.Errorf("%q on %q: %v, regexp: %v", pattern, text, g, w)
			}
		}
	case utf8.ValidString(pattern) && !strings.HasPrefix(err.Error(), "error parsing regexp: "):
		t.Errorf("%q: %v", pattern, err)
	}
}

func TestLikeRegexp(t *testing.T) {
	for _, p := range patterns {
		compare(t, p, texts...)
	}
}

func TestErrors(t *testing.T) {
	for _, p := range []string{"(", "a)", "[a", "*", "a**", "[b-a]", `\q`, `\`} {
		_, want := regexp.Compile(p)
		if _, err := Compile(p); err == nil || err.Error() != want.Error() {
			t.Errorf("%q: %v, regexp: %v", p, err, want)
		}
	}
	for _, p := range []string{strings.Repeat("(", 5000), strings.Repeat("(a{9}){9}", 500), "(((a{999}){999}){999}){999}", "(((((a{0}){999}){999}){999}){999}){999}", "((((){0,999}){0,999}){0,999}){999}"} {
		if _, err := Compile(p); err == nil {
			t.Errorf("%.20q... is accepted", p)
		}
	}
}

func FuzzLikeRegexp(f *testing.F) {
	for i, p := range patterns {
		f.Add(p, texts[i%len(texts)])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) < 100 && len(text) < 1000 {
			compare(t, pattern, text)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	p := MustCompile(`http\..*serve`)
	for b.Loop() {
		p.MatchString("github.com/go-manhole/lazy/internal/pollconn.(*Conn).Pause")
	}
}
