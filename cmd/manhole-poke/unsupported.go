//go:build !unix

package main

import "errors"

// ask needs unix signals, and sockets that tell who listens.
func ask(options, []string, []string) error {
	return failf(statusUnsupported, "this system has no unix signals: nothing can be armed here; try manhole-poke on Linux, macOS or FreeBSD (%v)", errors.ErrUnsupported)
}

func demo(o options, _ []string) error { return ask(o, nil, nil) }
