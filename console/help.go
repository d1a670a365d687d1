package console

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/format"
	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/words"
)

// help lists the commands by the question they answer, or explains one.
func help(_ context.Context, s *session, a *args.Parsed) error {
	if len(a.Words) > 0 {
		return s.explain(a.Words)
	}
	all := s.commands()
	width := 0
	for _, c := range all {
		if c.Topic == commands.Program {
			continue
		}
		for _, e := range entries(c.Command) {
			width = max(width, len(e.usage))
		}
	}
	for i, topic := range commands.Topics() {
		title := topic + "\n"
		if i > 0 {
			title = "\n" + title
		}
		for _, also := range commands.Elsewhere(topic) {
			if name, _, _ := strings.Cut(also.Usage, " "); s.has(name) {
				fmt.Fprintf(s.out, "%s  %-*s  %s\n", title, width, also.Usage, also.What)
				title = ""
			}
		}
		for _, c := range all {
			for _, e := range entries(c.Command) {
				if e.topic == topic {
					fmt.Fprintf(s.out, "%s  %-*s  %s\n", title, width, e.usage, format.OneLine(e.What))
					title = ""
				}
			}
		}
	}
	return nil
}

// An entry is a command in help, or a form of one.
type entry struct {
	frame.Form
	usage string
	topic string
	args  []frame.Arg
}

// entries returns the command, then its forms.
func entries(c frame.Command) []entry {
	all := []entry{{
		frame.Form{Name: c.Name, What: c.What, Options: c.Options, Notes: c.Notes, Example: c.Example},
		join(c.Name, c.Usage), c.Topic, c.Args,
	}}
	for _, f := range c.Forms {
		e := entry{Form: f, usage: join(c.Name+" "+f.Name, f.Usage), topic: f.Topic}
		if e.topic == "" {
			e.topic = c.Topic
		}
		all = append(all, e)
	}
	return all
}

func join(name, usage string) string { return strings.TrimSuffix(name+" "+usage, " ") }

// explain writes all about a command, or about a form of it.
func (s *session) explain(named []string) error {
	c, err := s.find(named[0])
	if err == errUnknown {
		err = s.unknown(named[:1])
	}
	if err != nil {
		return fmt.Errorf("%s: %w", words.Show(named[0]), err)
	}
	if !c.builtin && len(named) == 1 {
		s.explainProgram(c.Name)
		return nil
	}
	if len(named) == 1 {
		writeEntry(s.out, entries(c.Command)[0])
		for _, f := range c.Forms {
			fmt.Fprintf(s.out, "\n  %s\n    %s\n", join(c.Name+" "+f.Name, f.Usage), f.What)
		}
		return nil
	}
	for i, f := range c.Forms {
		if f.Name == named[1] && len(named) == 2 {
			writeEntry(s.out, entries(c.Command)[1+i])
			return nil
		}
	}
	return fmt.Errorf("no help for %s; try help %s", words.Show(strings.Join(named, " ")), c.Name)
}

// explainProgram writes the whole usage of a command of the program.
func (s *session) explainProgram(name string) {
	fmt.Fprintln(s.out, name)
	for _, c := range s.cfg.Commands {
		if c.Name != name {
			continue
		}
		for line := range strings.Lines(strings.TrimRight(c.Usage, " \t\r\n")) {
			line = strings.ReplaceAll(strings.TrimRight(line, " \t\r\n"), "\t", "    ")
			if line == "" {
				fmt.Fprintln(s.out)
				continue
			}
			fmt.Fprintf(s.out, "  %s\n", visible(line))
		}
	}
}

// firstLine is what of a usage is shown in lists.
func firstLine(usage string) string {
	const most = 200 // runes
	line, _, _ := strings.Cut(strings.TrimSpace(usage), "\n")
	if runes := []rune(line); len(runes) > most {
		line = string(runes[:most]) + "..."
	}
	return visible(strings.TrimSpace(line))
}

// visible returns a text of the program with whatever moves the cursor or does
// not print replaced by its Go escape.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strconv.IsPrint(r) && r != utf8.RuneError {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRune(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// helpWidth is the width of help about one command, in columns.
const helpWidth = 80

// A term is an argument or option and what it means.
type term struct{ name, what string }

func writeEntry(w io.Writer, e entry) {
	fmt.Fprintf(w, "%s\n  %s\n", e.usage, e.What)
	var terms []term
	for _, a := range e.args {
		if a.What != "" {
			terms = append(terms, term{a.Name, a.What})
		}
	}
	for _, o := range e.Options {
		terms = append(terms, term{join("-"+o.Name, o.Arg), o.What})
	}
	writeTerms(w, terms)
	for _, note := range e.Notes {
		fmt.Fprintf(w, "\n  %s\n", strings.Join(format.Wrap(note, helpWidth-2), "\n  "))
	}
	if e.Example != "" {
		fmt.Fprintf(w, "\n  for example: %s\n", strings.Join(strings.Split(e.Example, "\n"), "\n               "))
	}
}

// writeTerms writes what terms mean beside their names.
func writeTerms(w io.Writer, terms []term) {
	width := 0
	for _, t := range terms {
		width = max(width, len(t.name))
	}
	indent := fmt.Sprintf("\n  %*s", width+2, "")
	for _, t := range terms {
		what := format.Wrap(t.what, helpWidth-len(indent)+1)
		fmt.Fprintf(w, "  %-*s  %s\n", width, t.name, strings.Join(what, indent))
	}
}
