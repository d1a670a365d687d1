package words

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"":                       nil,
		" \t\r":                  nil,
		"stack":                  {"stack"},
		" a  b\tc\r":             {"a", "b", "c"},
		`'a b' "c d"`:            {"a b", "c d"},
		`''`:                     {""},
		`a''b`:                   {"ab"},
		`http\.Get`:              {`http\.Get`},
		`a\ b \' \"`:             {"a b", "'", `"`},
		`"a\"b" "a\'b" "a\x00b"`: {`a"b`, `a\'b`, `a\x00b`},
		`'a\b'`:                  {`a\b`},
		`a'b c'd`:                {"ab cd"},
		`http\.Serve \d+ \\`:     {`http\.Serve`, `\d+`, `\`},
		`end\`:                   {`end\`},
		"a\x00b":                 {"a\x00b"},
	} {
		got, err := Split(line)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", line, got, err, want)
		}
	}
	for _, line := range []string{`'`, `"`, `a "b`, `"a\"`} {
		if _, err := Split(line); err != ErrUnclosed {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestScan(t *testing.T) {
	got, err := Scan(`ab  'c d' \"e "open`)
	want := []Word{{"ab", 0, false}, {"c d", 4, true}, {`"e`, 10, true}}
	if err != ErrUnclosed || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestCommands(t *testing.T) {
	for text, want := range map[string][]string{
		"":                        nil,
		" ; ;\n\n":                nil,
		"stack; stats":            {"stack", "stats"},
		"stack -match 'a;b'\ngc;": {"stack -match 'a;b'", "gc"},
		`a "b\";c" ; d`:           {`a "b\";c" `, "d"},
		`a\ ; b`:                  {`a\ `, "b"},
	} {
		if got, err := Commands(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"a 'b\nc'", `"`} {
		if _, err := Commands(text); err != ErrUnclosed {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestShow(t *testing.T) {
	for word, want := range map[string]string{
		"stack": "stack", "": `""`, "a\x00b": `"a\x00b"`, "größe": `"gr\u00f6\u00dfe"`,
		strings.Repeat("a", 65): strings.Repeat("a", 64) + "...",
	} {
		if got := Show(word); got != want {
			t.Errorf("%q: %s", word, got)
		}
	}
}

func FuzzJoin(f *testing.F) {
	f.Add("a b", `"\`, "'")
	f.Add("", "\x00", `\ `)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		want := []string{a, b, c}
		line := Join(want...)
		got, err := Split(line)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q became %q, %v", want, got, err)
		}
		if strings.Contains(line, "\n") {
			return
		}
		if got, err := Commands(line); err != nil || len(got) != 1 || got[0] != line {
			t.Errorf("%q became the commands %q, %v", line, got, err)
		}
	})
}

func FuzzSplit(f *testing.F) {
	for _, line := range []string{`a 'b "c" \d`, "", `a "b`, `a\ 'b c' "d\"e"`, "\xff\x00", `\`, `"\`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		all, err := Split(line)
		if err != nil {
			return
		}
		for _, w := range all {
			if s := Show(w); !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\x1b\n") || s == "" {
				t.Errorf("%q is shown as %q", w, s)
			}
		}
		if again, err := Split(Join(all...)); err != nil || !slices.Equal(all, again) {
			t.Errorf("%q: %q, then %q, %v", line, all, again, err)
		}
		if _, err := Commands(line); err != nil && !strings.Contains(line, "\n") {
			t.Errorf("%q is %q, but as commands: %v", line, all, err)
		}
	})
}
