//go:build linux && (!(amd64 || arm64) || lazy_nodebugger)

package main

import (
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
)

func (c *client) stacks(*process.Process) error {
	return exit.Errorf(exit.Unsupported, "unsupported", "this manhole-poke was built without a debugger (-tags lazy_nodebugger); leave out --stacks")
}
