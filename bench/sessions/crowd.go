//go:build linux

package main

import (
	"time"

	"github.com/go-manhole/lazy/bench/internal/target"
)

// crowdSize is how many goroutines the process has besides the usual ones. All
// their stacks together are more than a socket buffers, so that a peer can
// leave in the middle of them, and fewer than would make every dump slow.
const crowdSize = 900

// crowd is a program with goroutines that wait, at various depths.
func crowd(target.Spec) (addr string, err error) {
	for i := range crowdSize {
		go wait(i % 60)
	}
	time.Sleep(100 * time.Millisecond) // until all of them wait
	return "", nil
}

//go:noinline
func wait(depth int) {
	if depth == 0 {
		select {}
	}
	wait(depth - 1)
	wait(0) // not reached; it keeps the frames apart
}
