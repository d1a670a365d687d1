package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/console"
	"github.com/go-manhole/lazy/internal/frame"
)

func TestOptionsOf(t *testing.T) {
	got := optionsOf(frame.Command{More: "-state TEXT     those: a, b\nfull            all\n                of it\n-top -n N       N of them\nAnd prose.\n"})
	want := []consoleOption{{"-state", "TEXT", "those: a, b"}, {"-n", "N", "N of them"}}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// What a session says of its commands is another process's, which may be of
// another version.
func FuzzDetails(f *testing.F) {
	for _, c := range console.Commands() {
		f.Add(c.Args, c.More)
	}
	f.Fuzz(func(t *testing.T, args, more string) {
		c := frame.Command{Name: "c", Args: args, More: more}
		consoleCandidates([]frame.Command{c}, []string{"c", "-x"})
		var words []string
		for _, p := range detailsOf(c) {
			switch p := p.(type) {
			case paragraph:
				words = append(words, strings.Fields(string(p))...)
			case terms:
				for _, e := range p {
					words = append(words, strings.Fields(e.name+" "+e.meaning)...)
				}
			}
		}
		if want := strings.Fields(more); !slices.Equal(words, want) {
			t.Errorf("%q became %q", want, words)
		}
		var out bytes.Buffer
		writeText(&out, layout{indent: "  "}, detailsOf(c))
		if want := strings.Fields(more); !slices.Equal(strings.Fields(out.String()), want) {
			t.Errorf("%q is shown as %q", want, &out)
		}
	})
}
