//go:build linux && !amd64 && !arm64

package main

import (
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
)

func (c *client) stacks(*process.Process) error {
	return exit.Errorf(exit.Unsupported, "unsupported", "--stacks is possible on amd64 and arm64 only; leave it out")
}
