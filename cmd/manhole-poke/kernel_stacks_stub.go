//go:build linux && (!(amd64 || arm64) || lazy_nodebugger)

package main

import (
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
)

func (c *client) stacks(*process.Process) error {
	return exit.Errorf(exit.Unsupported, "unsupported", "--stacks is for amd64 and arm64, and not in a manhole-poke that was built with -tags lazy_nodebugger; leave it out")
}
