package console

import (
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestReadOnly(t *testing.T) {
	leavesNothing(t)
	cfg := Config{ReadOnly: true, Commands: []Command{
		{"mine", "", func(context.Context, io.Writer, []string) error { panic("ran") }},
	}}
	for _, c := range builtin() {
		if c.changes {
			got := talk(t, cfg, c.Name+"\nhelp "+c.Name+"\n")
			if !strings.HasPrefix(got, "lazy: error: "+c.Name+": not in a session that only observes") {
				t.Errorf("%s: %s", c.Name, got)
			}
		}
	}
	for _, line := range []string{"pprof block 1ms -rate 1", "pprof goroutineleak"} {
		if got := talk(t, cfg, line); !strings.HasPrefix(got, "lazy: error: pprof: not in a session") && !strings.Contains(got, "no profile") {
			t.Errorf("%s: %s", line, got)
		}
	}
	if got := talk(t, cfg, "mine"); !strings.HasPrefix(got, "lazy: error: mine: not in a session") {
		t.Error(got)
	}
	if got := talk(t, cfg, "help"); regexp.MustCompile(`(?m)^  (gc|mine) `).MatchString(got) {
		t.Error(got)
	}
}

func TestHelpCoversTheTable(t *testing.T) {
	got := talk(t, Config{}, "help\n")
	for _, c := range builtin() {
		if c.run == nil && c.apart == nil {
			t.Errorf("%s does nothing", c.Name)
		}
		for i, e := range entries(c.Command) {
			name := c.Name
			if i > 0 {
				name += " " + e.Name
			}
			if !strings.Contains(got, "\n  "+e.usage+" ") {
				t.Errorf("no %s in:\n%s", name, got)
			}
			more := talk(t, Config{}, "help "+name+"\n")
			if e.Example == "" || !strings.Contains(more, "for example: ") {
				t.Errorf("help %s has no example:\n%s", name, more)
			}
			for _, o := range e.Options {
				if !strings.Contains(more, "\n  -"+o.Name+" ") {
					t.Errorf("help %s does not have -%s:\n%s", name, o.Name, more)
				}
			}
			got += more
		}
	}
	if do := actions(); len(do) != len(builtin()) {
		t.Errorf("%d actions, %d commands", len(do), len(builtin()))
	}
	for line := range strings.Lines(got) {
		if len(line) > 121 {
			t.Errorf("too wide for a terminal: %s", line)
		}
	}
}
