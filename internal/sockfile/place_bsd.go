//go:build darwin || freebsd

package sockfile

import "golang.org/x/sys/unix"

// RemoveElsewhere has nothing to do: here every socket is bound by Listen.
func RemoveElsewhere(int, string) {}

// ownMode has nothing to do: Listen sets the mode.
func ownMode(string, *unix.Stat_t) error { return nil }
