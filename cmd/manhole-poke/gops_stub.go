//go:build !linux

package main

import "github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"

// gops needs to know who connects to a TCP port, which only Linux's
// /proc/net/tcp is known to say.
func (c *client) gops([]string) error {
	return exit.Errorf(exit.Unsupported, "unsupported", "gops works on Linux only, because no other system says who connects to a TCP port; try manhole-poke PID")
}
