// Package fds lists the open descriptors of this process and what they are, on
// Linux.
package fds

import (
	"time"

	"github.com/go-manhole/lazy/internal/pattern"
)

// Options says which descriptors are listed, and how.
type Options struct {
	Match *pattern.Pattern // what their lines match
	State string           // a part of the state of sockets; all descriptors if it is empty
	Idle  time.Duration    // how long nothing was received or sent at least; 0: all descriptors

	Sort bool // the idlest first, as with State and Idle
	Most int  // at most so many lines; 0: all

	// Own is the path of lazy's socket, so that it is marked as such.
	Own string

	// Waiting returns which goroutines wait on a descriptor, or "". It may be nil.
	Waiting func(fd int) string

	// Note is a line before the last one, if it is not empty.
	Note string

	// Afford is called between a thousand descriptors and the next. Its error
	// ends the list.
	Afford func() error
}
