//go:build !linux

package main

import "github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"

func (c *client) debug([]string) error {
	return exit.Errorf(exit.Unsupported, "unsupported", "debug works on a frozen copy, which is possible on Linux only; try stack")
}
