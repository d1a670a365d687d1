package main

import "strings"

func (c *client) help(args []string) error {
	if len(args) == 0 {
		return c.print(theManual().Overview())
	}
	topic := strings.Join(args, " ") // "stack diff" is a topic as well
	text, ok := theManual().Help(topic)
	if !ok {
		return usagef("there is no help on %q; try manhole-poke help, or manhole-poke help commands", topic)
	}
	return c.print(text)
}
