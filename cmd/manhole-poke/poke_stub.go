//go:build !linux && !darwin && !freebsd

package main

import (
	"errors"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/complete"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
)

// ask needs unix signals, and sockets that say who listens.
func (c *client) ask(request) error {
	return exit.Errorf(exit.Unsupported, "unsupported", "nothing can be armed on this system, which has no unix signals; use manhole-poke on Linux, macOS or FreeBSD (%v)", errors.ErrUnsupported)
}

func (c *client) demo([]string) error { return c.ask(request{}) }

func (c *client) top([]string) error { return c.ask(request{}) }

func signalCandidates() []complete.Candidate { return nil }

func reachable() []process.Info { return nil }
