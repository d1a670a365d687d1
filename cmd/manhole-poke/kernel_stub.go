//go:build !linux

package main

import "github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"

func (c *client) kernel([]string) error {
	return exit.Errorf(exit.Unsupported, "unsupported", "only Linux shows the threads of other processes; try kill -QUIT PID, which makes a Go program print its stacks and exit")
}
