package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

func (c *client) version(args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %s; try manhole-poke help", args[0])
	}
	module, revision := "(unknown)", ""
	if b, ok := debug.ReadBuildInfo(); ok {
		module = b.Main.Version
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	return c.print(fmt.Sprintf("manhole-poke %s%s %s %s/%s\n", module, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH))
}
