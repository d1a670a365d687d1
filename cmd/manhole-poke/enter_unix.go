//go:build linux || darwin || freebsd

package main

import (
	"context"
	"os"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/ring"
	"golang.org/x/sys/unix"
)

// finishOnEnter calls finish when Enter alone is typed, after what was typed
// already. Anything else that is typed is meant for the shell, and could not be
// given back to it; so the input is not read but counted. before is how much of
// it there was.
func finishOnEnter(ctx context.Context, in *os.File, finish func(), before int) {
	for ring.Sleep(ctx, 20*time.Millisecond) == nil {
		now := unreadInput(in)
		if now == before+1 && inForeground(in) {
			finish()
			if before == 0 { // else the shell gets an empty line more
				in.Read(make([]byte, 1))
				now = 0
			}
		}
		before = now
	}
}

// unreadInput returns how many bytes were typed that nobody has read, in whole
// lines.
func unreadInput(in *os.File) int {
	n, err := unix.IoctlGetInt(int(in.Fd()), fionread)
	if err != nil {
		return 0
	}
	return n
}

// inForeground reports whether f is a terminal that this process may read: one
// in the background would be stopped for it (SIGTTIN).
func inForeground(f *os.File) bool {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
