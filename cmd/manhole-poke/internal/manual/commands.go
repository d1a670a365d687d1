package manual

import (
	"go/doc/comment"
	"strings"

	"github.com/go-manhole/lazy/internal/frame"
)

// commandsByTopic lists the commands of the console under their topics, in the
// order in which these first occur.
func commandsByTopic(commands []frame.Command) (blocks []comment.Block) {
	lists := map[string]*comment.List{}
	for _, c := range commands {
		l := lists[c.Topic]
		if l == nil {
			l = &comment.List{}
			lists[c.Topic] = l
			blocks = append(blocks, &comment.Heading{Text: []comment.Text{comment.Plain(c.Topic)}}, l)
		}
		define(l, usage(c.Name, c.Usage), c.What, details(c)...)
		for _, f := range c.Forms {
			define(l, usage(c.Name+" "+f.Name, f.Usage), f.What, details(formAsCommand(c, f))...)
		}
	}
	return blocks
}

// details returns the arguments, options and notes of a command.
func details(c frame.Command) (blocks []comment.Block) {
	l := &comment.List{}
	for _, a := range c.Args {
		if a.What != "" {
			define(l, a.Name, a.What)
		}
	}
	for _, o := range c.Options {
		define(l, usage("-"+o.Name, o.Arg), o.What)
	}
	if l.Items != nil {
		blocks = append(blocks, l)
	}
	for _, n := range c.Notes {
		blocks = append(blocks, paragraph(n))
	}
	return blocks
}

// aboutCommand is the help on one command.
func aboutCommand(c frame.Command) []comment.Block {
	blocks := []comment.Block{
		paragraph("In a session:"),
		&comment.Code{Text: usage(c.Name, c.Usage) + "\n"},
		paragraph(c.What),
	}
	blocks = append(blocks, details(c)...)
	if c.Forms != nil {
		l := &comment.List{}
		for _, f := range c.Forms {
			define(l, usage(c.Name+" "+f.Name, f.Usage), f.What)
		}
		blocks = append(blocks, paragraph("Its forms:"), l)
	}
	if c.Example == "" {
		return blocks
	}
	var lines strings.Builder
	for line := range strings.Lines(c.Example) {
		lines.WriteString("manhole-poke PID " + strings.TrimSpace(line) + "\n")
	}
	return append(blocks, paragraph("For example, on the command line:"), &comment.Code{Text: lines.String()})
}

// formAsCommand describes a form like a command.
func formAsCommand(c frame.Command, f frame.Form) frame.Command {
	return frame.Command{Name: c.Name + " " + f.Name, Usage: f.Usage, Topic: c.Topic, What: f.What, Options: f.Options, Notes: f.Notes, Example: f.Example}
}

func usage(name, args string) string { return strings.TrimSpace(name + " " + args) }
