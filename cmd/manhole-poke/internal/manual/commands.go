package manual

import (
	"cmp"
	"go/doc/comment"
	"reflect"
	"strings"

	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/frame"
)

// commandsByTopic lists the commands of the console under their topics.
func commandsByTopic(all []frame.Command) (blocks []comment.Block) {
	lists := map[string]*comment.List{}
	add := func(topic string, c frame.Command) {
		if lists[topic] == nil {
			lists[topic] = &comment.List{}
		}
		define(lists[topic], usage(c.Name, c.Usage), c.What, details(c)...)
	}
	for _, topic := range commands.Topics() {
		for _, p := range commands.Elsewhere(topic) {
			add(topic, frame.Command{Name: p.Usage, What: p.What})
		}
	}
	for _, c := range all {
		add(c.Topic, c)
		for _, f := range c.Forms {
			form := formAsCommand(c, f)
			if f.Options != nil && reflect.DeepEqual(f.Options, c.Options) {
				form.Options = nil
				form.Notes = append([]string{"It has the options of " + c.Name + "."}, f.Notes...)
			}
			add(cmp.Or(f.Topic, c.Topic), form)
		}
	}
	for _, topic := range commands.Topics() {
		if l := lists[topic]; l != nil {
			blocks = append(blocks, &comment.Heading{Text: []comment.Text{comment.Plain(topic)}}, l)
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
