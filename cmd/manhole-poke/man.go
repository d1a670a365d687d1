package main

import (
	"runtime/debug"
	"strings"
)

func (c *client) man(args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %s; try manhole-poke man | man -l -", args[0])
	}
	return c.print(theManual().Man(built()))
}

// built returns the version and the day of the commit: mandoc(1) complains of a
// page without a date, and the day of the build would make each page differ.
func built() (version, date string) {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return "", ""
	}
	for _, s := range b.Settings {
		if s.Key == "vcs.time" {
			date, _, _ = strings.Cut(s.Value, "T")
		}
	}
	return b.Main.Version, date
}
