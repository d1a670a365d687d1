package console

import (
	"context"
	"fmt"
	"strings"
)

// help lists the commands by the question they answer, or explains one.
func help(_ context.Context, s *session, args []string) error {
	if len(args) > 0 {
		return s.explain(strings.Join(args, " ")) // "stack diff" has an entry as well
	}
	all := s.commands()
	width := 0
	for _, c := range all {
		if c.own == nil {
			width = max(width, len(c.usage()))
		}
	}
	for i, t := range topics {
		title := string(t) + "\n"
		if i > 0 {
			title = "\n" + title
		}
		for _, c := range all {
			if c.topic == t {
				fmt.Fprintf(s.out, "%s  %-*s  %s\n", title, width, c.usage(), oneLine(c.what))
				title = ""
			}
		}
	}
	return nil
}

func (s *session) explain(name string) error {
	c, err := s.find(name)
	if err != nil {
		return fmt.Errorf("%s: %w", show(name), err)
	}
	fmt.Fprintf(s.out, "%s\n  %s\n", c.usage(), c.what)
	for line := range strings.Lines(c.more) {
		fmt.Fprintf(s.out, "  %s", line)
	}
	if c.example != "" {
		fmt.Fprintf(s.out, "\n  for example: %s\n", strings.ReplaceAll(c.example, "\n", "\n               "))
	}
	return nil
}

func (c command) usage() string {
	if c.args == "" {
		return c.name
	}
	return c.name + " " + c.args
}
