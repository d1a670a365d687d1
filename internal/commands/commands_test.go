package commands

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/words"
)

// TestTable checks what help, completion and the manual rely on.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Builtin() {
		if c.Name == "" || strings.ContainsAny(c.Name, " \t") || seen[c.Name] {
			t.Errorf("%q is no name, or there twice", c.Name)
		}
		seen[c.Name] = true
		if !slices.Contains(Topics(), c.Topic) {
			t.Errorf("%s has the topic %q", c.Name, c.Topic)
		}
		check(t, c.Name, c.Name, c.What, c.Example, c.Options)
		text := slices.ContainsFunc(c.Options, func(o frame.Option) bool { return o.Text })
		if text && !c.Binary {
			t.Errorf("%s has an option for text and is not binary", c.Name)
		}
		for _, f := range c.Forms {
			if strings.ContainsAny(f.Name, " \t") || f.Topic != "" && !slices.Contains(Topics(), f.Topic) {
				t.Errorf("%s %q, topic %q", c.Name, f.Name, f.Topic)
			}
			check(t, c.Name+" "+f.Name, c.Name, f.What, f.Example, f.Options)
		}
	}
}

func check(t *testing.T, name, first, what, example string, options []frame.Option) {
	if what == "" || strings.ContainsAny(what, "\r\n") {
		t.Errorf("%s: what it does is %q", name, what)
	}
	typed, err := words.Split(example)
	if err != nil || len(typed) == 0 || typed[0] != first {
		t.Errorf("%s: the example is %q", name, example)
	}
	seen := map[string]bool{}
	for _, o := range options {
		if o.Name == "" || o.Name[0] == '-' || o.What == "" || seen[o.Name] || o.Arg == "" && o.Values != nil {
			t.Errorf("%s: option %+v", name, o)
		}
		seen[o.Name] = true
	}
}
