package terminal

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseTyped(t *testing.T) {
	t.Setenv("HOME", "/home/op")
	for text, want := range map[string]typedLine{
		"stack":                         {line: "stack"},
		"stack | less":                  {line: "stack", pipe: "less"},
		"stack |less -S | cat ":         {line: "stack", pipe: "less -S | cat"},
		"stack -match 'a | b' | grep x": {line: "stack -match 'a | b'", pipe: "grep x"},
		"fds tcp|udp":                   {line: "fds tcp|udp"},
		`own \| x`:                      {line: `own \| x`},
		`own '|' x`:                     {line: `own '|' x`},
		`own ">" x`:                     {line: `own ">" x`},
		"pprof-heap > heap":             {line: "pprof-heap", file: "heap"},
		"pprof-heap >heap":              {line: "pprof-heap", file: "heap"},
		"pprof-heap >! heap":            {line: "pprof-heap", file: "heap", force: true},
		"pprof-heap >!heap":             {line: "pprof-heap", file: "heap", force: true},
		"env > 'a b'":                   {line: "env", file: "a b"},
		`env > a\ b`:                    {line: "env", file: "a b"},
		"env > ~/x":                     {line: "env", file: filepath.Join("/home/op", "x")},
		"env > '~/x'":                   {line: "env", file: "~/x"},
		"stack 'unclosed | less":        {line: "stack 'unclosed | less"},
		"":                              {},
	} {
		if got, err := parseTyped(text); got != want || err != nil {
			t.Errorf("%s: %+v %v, want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"| less": errNoLine, "> x": errNoLine, "stack |": errNoPipe, "stack >": errNoFile, "stack >!": errNoFile,
		"stack > ''": errNoFile, "stack > a b": errOneFile, "stack >> a": errAppend,
	} {
		if got, err := parseTyped(text); !errors.Is(err, want) {
			t.Errorf("%s: %+v %v, want %v", text, got, err, want)
		}
	}
}

func FuzzParseTyped(f *testing.F) {
	f.Add("stack -match 'a|b' | less")
	f.Add(`a\ b "c\"d" > 'e f'`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseTyped(text)
		if err == nil && !strings.HasPrefix(text, got.line) || got.pipe != "" && got.file != "" {
			t.Errorf("%q: %+v %v", text, got, err)
		}
		// What is sent is what was typed if there is nothing else to it.
		if err == nil && got.pipe == "" && got.file == "" && got.line != text {
			t.Errorf("%q became %q", text, got.line)
		}
	})
}
