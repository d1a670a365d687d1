// Package manual is the manual of manhole-poke, which is written once, in
// manual.txt: the topics of help, the man page and the comment of package main
// are made from it. The text is a Go doc comment (https://go.dev/doc/comment)
// whose sections are the topics. In its lists "TERM: meaning" defines a term,
// and a paragraph like {flags} is replaced by a list of what manhole-poke has.
package manual

import (
	_ "embed"
	"fmt"
	"go/doc/comment"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/internal/frame"
)

//go:embed manual.txt
var text string

// Tagline is what manhole-poke is for, in a line.
const Tagline = "look into running Go programs that called lazy.Arm"

// Tables are what the manual lists.
type Tables struct {
	Flags       []Flag
	Subcommands []Subcommand
	Commands    []frame.Command // of every session
}

// A Flag is a flag of manhole-poke.
type Flag struct {
	Long, Short string // without dashes; Short may be empty
	Arg         string // the name of its value, "" for a switch
	What        string // a phrase
	More        string // sentences, or ""
	Only        string // the subcommand that it goes with, or ""
}

func (f Flag) name() string {
	name := "--" + f.Long
	if f.Short != "" {
		name = "-" + f.Short + ", " + name
	}
	return strings.TrimSpace(name + " " + f.Arg)
}

// A Subcommand is a subcommand of manhole-poke.
type Subcommand struct {
	Name  string
	Args  string
	What  string   // a phrase
	More  string   // sentences, or ""
	Flags []string // that it understands, long names
}

func (s Subcommand) usage() string { return strings.TrimSpace(s.Name + " " + s.Args) }

// A Manual answers questions about manhole-poke. It is safe for concurrent use.
type Manual struct {
	tables   Tables
	sections []section
}

// A section is a chapter of the manual. Headings within it are subsections.
type section struct {
	title  string
	blocks []comment.Block
}

// A Topic is a word that help explains.
type Topic struct{ Name, What string }

// chapters are the topics that are sections, by title.
var chapters = []Topic{
	{"usage", "Synopsis"},
	{"description", "Description"},
	{"targets", "Targets"},
	{"terminal", "At a terminal"},
	{"flags", "Options"},
	{"subcommands", "Subcommands"},
	{"commands", "Console commands"},
	{"status", "Exit status"},
	{"environment", "Environment"},
	{"files", "Files"},
	{"examples", "Examples"},
	{"install", "Installation"},
	{"security", "Security notes"},
	{"see", "See also"},
}

// New returns the manual with these tables.
func New(t Tables) *Manual {
	m := &Manual{tables: t}
	inserted := map[string]func() []comment.Block{
		"{synopsis}":    func() []comment.Block { return []comment.Block{m.synopsis()} },
		"{flags}":       func() []comment.Block { return []comment.Block{flagList(t.Flags)} },
		"{subcommands}": func() []comment.Block { return []comment.Block{m.subcommands()} },
		"{commands}":    func() []comment.Block { return commandsByTopic(t.Commands) },
		"{statuses}":    func() []comment.Block { return []comment.Block{statuses()} },
	}
	for _, b := range new(comment.Parser).Parse(text).Content {
		if h, ok := b.(*comment.Heading); ok {
			m.sections = append(m.sections, section{title: plain(h.Text)})
			continue
		}
		s := &m.sections[len(m.sections)-1]
		if p, ok := b.(*comment.Paragraph); ok && inserted[plain(p.Text)] != nil {
			s.blocks = append(s.blocks, inserted[plain(p.Text)]()...)
			continue
		}
		s.blocks = append(s.blocks, b)
	}
	return m
}

func (m *Manual) section(title string) []comment.Block {
	i := slices.IndexFunc(m.sections, func(s section) bool { return s.title == title })
	return m.sections[i].blocks
}

// Topics returns the words that [Manual.Help] knows, without repetitions.
func (m *Manual) Topics() []Topic {
	all := slices.Clone(chapters)
	for _, s := range m.tables.Subcommands {
		all = append(all, Topic{s.Name, s.What})
	}
	for _, c := range m.tables.Commands {
		if !slices.ContainsFunc(all, func(t Topic) bool { return t.Name == c.Name }) {
			all = append(all, Topic{c.Name, c.What})
		}
	}
	return all
}

// Help returns what there is on a topic: a chapter, a subcommand, or a command
// of the console, perhaps with its form ("stack diff"). A topic can be two of
// these. ok reports whether there is anything.
func (m *Manual) Help(topic string) (text string, ok bool) {
	var blocks []comment.Block
	for _, c := range chapters {
		if c.Name == topic {
			blocks = append(blocks, m.section(c.What)...)
		}
	}
	for _, s := range m.tables.Subcommands {
		if s.Name == topic {
			blocks = append(blocks, m.aboutSubcommand(s)...)
		}
	}
	for _, c := range m.tables.Commands {
		if c.Name == topic {
			blocks = append(blocks, aboutCommand(c)...)
		}
		for _, f := range c.Forms {
			if c.Name+" "+f.Name == topic {
				blocks = append(blocks, aboutCommand(formAsCommand(c, f))...)
			}
		}
	}
	return plainText(blocks), blocks != nil
}

// forms are the command lines without a subcommand.
var forms = []struct{ flags, args, what string }{
	{"", "", "list Go processes on this machine"},
	{"[FLAGS] ", "TARGET...", "open a session, or run a script"},
	{"[FLAGS] ", "TARGET... COMMAND [ARG]...", "run one command"},
	{"[FLAGS] ", "-c COMMANDS TARGET...", "run several: -c 'stack; stats'"},
	{"[FLAGS] ", "--all COMMAND [ARG]...", "run it in every armed process"},
}

func (m *Manual) synopsis() comment.Block {
	var lines strings.Builder
	for _, f := range forms {
		fmt.Fprintln(&lines, strings.TrimSpace("manhole-poke "+f.flags+f.args))
	}
	for _, s := range m.tables.Subcommands {
		fmt.Fprintln(&lines, "manhole-poke "+s.usage())
	}
	return &comment.Code{Text: lines.String()}
}

// Overview returns the help that fits on one screen.
func (m *Manual) Overview() string {
	var usage, flags comment.List
	for _, f := range forms {
		define(&usage, strings.TrimSpace("manhole-poke "+f.args), f.what)
	}
	for _, s := range m.tables.Subcommands {
		define(&usage, "manhole-poke "+s.usage(), s.What)
	}
	for _, f := range m.tables.Flags {
		if f.Only == "" {
			define(&flags, f.name(), f.What)
		}
	}
	var topics []string
	for _, c := range chapters {
		topics = append(topics, c.Name)
	}
	return plainText([]comment.Block{
		paragraph("Usage:"), &usage,
		paragraph("A TARGET is a PID, a NAME, or a PATH with a slash in it. Further targets must be PIDs or paths; the rest is the command."),
		paragraph("Flags, before the first TARGET (-o and -f also after COMMAND):"), &flags,
		paragraph("More: manhole-poke help TOPIC, where TOPIC is a subcommand, a console command like stack, or one of " + strings.Join(topics, ", ") + "."),
	})
}

// AtTerminal returns what help in a session adds about this terminal, in the
// columns of the console's own help: commands that the process does not have, or
// has in another form, and what can be typed.
func (m *Manual) AtTerminal(commands []frame.Command) string {
	var b strings.Builder
	if len(commands) > 0 {
		b.WriteString("\nmanhole-poke's own: variables, from a frozen copy of the process\n")
	}
	for _, c := range commands {
		fmt.Fprintf(&b, "  %-30s  %s\n", usage(c.Name, c.Usage), c.What)
	}
	b.WriteString("\nAt this terminal\n")
	for _, block := range m.section("At a terminal") {
		if l, ok := block.(*comment.List); ok {
			for _, item := range l.Items {
				term, meaning := definition(item)
				fmt.Fprintf(&b, "  %-30s  %s\n", term, meaning)
			}
		}
	}
	return b.String()
}

func flagList(flags []Flag) *comment.List {
	l := &comment.List{}
	for _, f := range flags {
		more := f.More
		if f.Only != "" {
			more = strings.TrimSpace(more + " Only with the subcommand " + f.Only + ".")
		}
		define(l, f.name(), sentences(f.What, more))
	}
	return l
}

func (m *Manual) subcommands() comment.Block {
	l := &comment.List{}
	for _, s := range m.tables.Subcommands {
		define(l, s.usage(), sentences(s.What, s.More))
	}
	return l
}

func (m *Manual) aboutSubcommand(s Subcommand) []comment.Block {
	blocks := []comment.Block{
		&comment.Code{Text: "manhole-poke " + s.usage() + "\n"},
		paragraph(s.Name + ": " + sentences(s.What, s.More)),
	}
	var flags []Flag
	for _, f := range m.tables.Flags {
		if slices.Contains(s.Flags, f.Long) {
			flags = append(flags, f)
		}
	}
	if flags != nil {
		blocks = append(blocks, flagList(flags))
	}
	return blocks
}

func statuses() comment.Block {
	l := &comment.List{}
	for _, row := range exit.Table {
		meaning := row.Meaning
		if row.Reasons != nil {
			meaning += " (" + strings.Join(row.Reasons, ", ") + ")"
		}
		define(l, fmt.Sprint(int(row.Status)), meaning)
	}
	return l
}

// sentences joins a phrase and sentences.
func sentences(phrase, more string) string {
	return strings.TrimSpace(phrase + ". " + more)
}
