package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
)

func TestParseRequest(t *testing.T) {
	for _, c := range []struct {
		args          string
		literal       bool
		o             options
		targets       string
		lines         []string
		out           string
		force, refuse bool
	}{
		{args: "1", targets: "1"},
		{args: "web", targets: "web"},
		{args: "1 2 /tmp/x", targets: "1 2 /tmp/x"},
		{args: "1 stats", targets: "1", lines: []string{"stats"}},
		{args: "web 2 stats", targets: "web 2", lines: []string{"stats"}},
		{args: "web api", targets: "web", lines: []string{"api"}},
		{args: "1 pprof-cpu 10s 2", targets: "1", lines: []string{"pprof-cpu 10s 2"}},
		{args: "1 stack -state chan -n 5", targets: "1", lines: []string{"stack -state chan -n 5"}},
		{args: "1 -o x pprof-heap -f", targets: "1", lines: []string{"pprof-heap"}, out: "x", force: true},
		{args: "1 -- 2 -o x -f", targets: "1", lines: []string{"2 -o x -f"}},
		{args: "1 -- -x", targets: "1", lines: []string{"-x"}},
		{args: "1 -x", refuse: true},
		{args: "1 --json stats", refuse: true},
		{args: "1 stats -o", refuse: true},
		{args: "1 stats -f", refuse: true},
		{args: "1 --", targets: "1"},
		{args: "1", o: options{json: true}, refuse: true},
		{args: "1", o: options{out: "x"}, refuse: true},
		{args: "version", o: options{all: true}, lines: []string{"version"}},
		{args: "stack -o x", o: options{all: true}, lines: []string{"stack"}, out: "x"},
		{args: "1 stats", o: options{all: true}, refuse: true},
		{args: "1 -f", o: options{all: true}, literal: true, lines: []string{"1 -f"}},
		{args: "", o: options{all: true}, refuse: true},
		{args: "web api 1", o: options{commands: []string{"stats; gc", "stack"}}, targets: "web api 1", lines: []string{"stats", "gc", "stack"}},
		{args: "", o: options{commands: []string{"stats"}}, refuse: true},
		{args: "", o: options{commands: []string{"stats"}, all: true}, lines: []string{"stats"}},
		{args: "1", o: options{commands: []string{"stats"}, all: true}, refuse: true},
		{args: "1", o: options{commands: []string{";"}}, refuse: true},
	} {
		r, err := parseRequest(&c.o, strings.Fields(c.args), c.literal)
		if (err != nil) != c.refuse {
			t.Errorf("%q, %+v: %v", c.args, c.o, err)
		}
		if err != nil {
			if s := exit.StatusOf(err); s != exit.Usage {
				t.Errorf("%q: status %d", c.args, s)
			}
			continue
		}
		if strings.Join(r.targets, " ") != c.targets || !slices.Equal(r.lines, c.lines) || c.o.out != c.out || c.o.force != c.force {
			t.Errorf("%q, %+v: got %q", c.args, c.o, r)
		}
	}
}
