//go:build !race

package lazytest

// Race reports whether the race detector is on, whose memory counts too.
const Race = false
