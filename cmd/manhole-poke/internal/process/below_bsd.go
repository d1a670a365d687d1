//go:build darwin || freebsd

package process

// ArmedBelow returns nothing, because processes on this system do not say that they
// are armed.
func ArmedBelow(pid int) []Info { return nil }
