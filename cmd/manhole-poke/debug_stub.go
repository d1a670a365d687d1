//go:build !(linux && (amd64 || arm64)) || lazy_nodebugger

package main

import "github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"

func (c *client) debug([]string) error {
	return exit.Errorf(exit.Unsupported, "unsupported", "debug is for Linux on amd64 and arm64, and not in a manhole-poke that was built with -tags lazy_nodebugger; try stack")
}
