package main

import (
	"strings"

	"github.com/go-manhole/lazy/internal/frame"
)

// detailsOf takes apart what the console says about a command beyond its one
// line: the lines that begin with an option or argument, and prose.
func detailsOf(c frame.Command) (parts []part) {
	var list terms
	var prose []string
	flush := func() {
		if list != nil {
			parts = append(parts, list)
		}
		if prose != nil {
			parts = append(parts, paragraph(strings.Join(prose, "\n")))
		}
		list, prose = nil, nil
	}
	for line := range strings.Lines(c.More) {
		line = strings.TrimRight(line, " \r\n")
		name, meaning, columns := strings.Cut(line, "  ")
		switch {
		case name != "" && columns:
			if prose != nil {
				flush()
			}
			list = append(list, entry{name, strings.TrimLeft(meaning, " ")})
		case name == "" && columns && list != nil:
			list[len(list)-1].meaning += " " + strings.TrimLeft(line, " ")
		case line != "":
			if list != nil {
				flush()
			}
			prose = append(prose, line)
		}
	}
	flush()
	return parts
}

// A consoleOption is one of a command of the console.
type consoleOption struct{ name, arg, what string }

func optionsOf(c frame.Command) (all []consoleOption) {
	for _, p := range detailsOf(c) {
		list, _ := p.(terms)
		for _, e := range list {
			words := strings.Fields(e.name)
			for i := len(words) - 1; i >= 0; i-- {
				if strings.HasPrefix(words[i], "-") {
					all = append(all, consoleOption{words[i], strings.Join(words[i+1:], " "), e.meaning})
					break
				}
			}
		}
	}
	return all
}
