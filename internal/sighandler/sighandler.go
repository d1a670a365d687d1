//go:build linux || darwin || freebsd

// Package sighandler answers which signals may ring and who handles them now,
// and on linux/amd64 and linux/arm64 puts a signal handler written in assembly
// in front of the Go runtime's. The handler binds and listens on a socket made
// beforehand, on whatever thread gets the signal, without the Go scheduler.
package sighandler

import (
	"slices"
	"syscall"
)

// Usable reports whether the Go runtime passes over the signal unless
// signal.Notify asks for it (runtime/sigtab_*.go), so that a ring does nothing
// but ring.
func Usable(sig syscall.Signal) bool {
	return slices.Contains(passedOver, sig) || realTime(sig)
}
