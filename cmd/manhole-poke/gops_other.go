//go:build !linux

package main

// gops needs to know who connects to a TCP port, and only Linux's /proc/net/tcp
// is known to tell.
func gops(options, []string) error {
	return failf(statusUnsupported, "gops works on Linux only, because nothing here tells who connects to a TCP port; try manhole-poke PID")
}
