// Package complete finds out how a command line of the console may go on: at
// the prompt, and for the shells' completion of manhole-poke's own command
// line. It goes by the descriptions of the commands, which may be another
// process's and need not make sense.
package complete

import (
	"runtime/pprof"
	"slices"

	"github.com/go-manhole/lazy/internal/frame"
)

// A Candidate is a word that may follow.
type Candidate struct {
	Word string
	What string // one line, or ""
}

// Next returns what may follow the words of a line. A candidate is what was
// described, so it may hold anything.
func Next(commands []frame.Command, words []string) []Candidate {
	if len(words) == 0 {
		return Names(commands)
	}
	i := slices.IndexFunc(commands, func(c frame.Command) bool { return c.Name == words[0] })
	if i < 0 {
		return nil
	}
	c := commands[i]
	options := c.Options
	for _, f := range c.Forms {
		if slices.Contains(words[1:], f.Name) {
			options = f.Options
			break
		}
	}
	last := words[len(words)-1]
	var all []Candidate
	for _, o := range options {
		if last == "-"+o.Name && o.Arg != "" {
			for _, v := range o.Values {
				all = append(all, Candidate{v, ""})
			}
			return all
		}
	}
	if len(words) == 1 {
		for _, f := range c.Forms {
			all = append(all, Candidate{f.Name, f.What})
		}
		for _, a := range c.Args {
			all = append(all, values(commands, a)...)
		}
	}
	for _, o := range options {
		if o.Repeat || !slices.Contains(words[1:], "-"+o.Name) {
			all = append(all, Candidate{"-" + o.Name, o.What})
		}
	}
	return Distinct(all)
}

// Names returns the names of the commands.
func Names(commands []frame.Command) (all []Candidate) {
	for _, c := range commands {
		all = append(all, Candidate{c.Name, c.What})
	}
	return all
}

// values returns what may be given as an argument.
func values(commands []frame.Command, a frame.Arg) (all []Candidate) {
	switch a.Of {
	case "command":
		return Names(commands)
	case "profile":
		for _, p := range pprof.Profiles() {
			all = append(all, Candidate{p.Name(), ""})
		}
		return all
	}
	if isPlaceholder(a.Name) {
		return nil
	}
	return []Candidate{{a.Name, a.What}}
}

// isPlaceholder reports whether the name of an argument only describes its
// values: "REGEXP", unlike "off".
func isPlaceholder(name string) bool {
	return name == "" || name[0] >= 'A' && name[0] <= 'Z'
}

// Distinct returns all without repetitions. Of two candidates for a word it
// keeps the first that has a description.
func Distinct(all []Candidate) (distinct []Candidate) {
	for _, c := range all {
		i := slices.IndexFunc(distinct, func(d Candidate) bool { return d.Word == c.Word })
		switch {
		case i < 0:
			distinct = append(distinct, c)
		case distinct[i].What == "":
			distinct[i] = c
		}
	}
	return distinct
}
