package main

import (
	"github.com/go-manhole/lazy/console"
	frame "github.com/go-manhole/lazy/internal/frame2"
)

// consoleCommands returns the commands of every session.
func consoleCommands() (all []frame.Command) {
	for _, c := range console.Commands() {
		all = append(all, frame.Command{Name: c.Name, Usage: c.Args, Topic: c.Topic, What: c.What, Example: c.Example, Binary: c.Binary})
	}
	return all
}
