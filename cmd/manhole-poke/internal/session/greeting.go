package session

import (
	"slices"
	"strings"
	"unicode"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/internal/frame"
)

// What a greeting may have at most; the rest is left out. In bytes it is limited
// by its frame.
const (
	maxCommands = 1000
	maxParts    = 100 // options, forms and the like, of each command
	maxName     = 100 // bytes
)

// sanitise makes a greeting safe to show and to search, which may be by anybody:
// all texts become printable, and what cannot be typed is left out.
func sanitise(g *frame.Greeting) {
	g.Text = text(g.Text)
	g.Commands = limited(g.Commands, maxCommands, func(c *frame.Command) bool {
		lines(&c.Usage, &c.Topic, &c.What)
		c.Example = text(c.Example)
		c.Notes = notes(c.Notes)
		c.Args = limited(c.Args, maxParts, func(a *frame.Arg) bool {
			lines(&a.What, &a.Of)
			return isName(a.Name)
		})
		c.Options = options(c.Options)
		c.Forms = limited(c.Forms, maxParts, func(f *frame.Form) bool {
			lines(&f.Topic, &f.Usage, &f.What)
			f.Example = text(f.Example)
			f.Notes = notes(f.Notes)
			f.Options = options(f.Options)
			return isName(f.Name)
		})
		return isName(c.Name)
	})
}

func options(all []frame.Option) []frame.Option {
	return limited(all, maxParts, func(o *frame.Option) bool {
		lines(&o.Arg, &o.What)
		o.Values = limited(o.Values, maxParts, func(v *string) bool { return isName(*v) })
		return isName(o.Name)
	})
}

func notes(all []string) []string {
	return limited(all, maxParts, func(n *string) bool {
		*n = text(*n)
		return true
	})
}

// limited returns the first of all that are fit.
func limited[T any](all []T, max int, fit func(*T) bool) []T {
	all = all[:min(len(all), max)]
	kept := all[:0]
	for i := range all {
		if fit(&all[i]) {
			kept = append(kept, all[i])
		}
	}
	return slices.Clip(kept)
}

func text(s string) string {
	shown := printable.Text(s)
	if !strings.HasSuffix(s, "\n") {
		shown = strings.TrimSuffix(shown, "\n")
	}
	return shown
}

func lines(all ...*string) {
	for _, s := range all {
		*s = printable.Line(*s)
	}
}

// isName reports whether a word can be typed.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && printable.Line(s) == s && !strings.ContainsFunc(s, unicode.IsSpace)
}
