//go:build !unix

package main

import "errors"

// poke needs unix signals, and sockets that tell who listens.
func poke(options, string) error {
	return failf(statusUnsupported, "this system has no unix signals: nothing can be armed here; try manhole-poke on Linux, macOS or FreeBSD (%v)", errors.ErrUnsupported)
}

func ask(o options, _, _ []string) error { return poke(o, "") }

func demo(o options, _ []string) error { return poke(o, "") }
