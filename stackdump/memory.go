package stackdump

import (
	"fmt"

	"github.com/go-manhole/lazy/internal/memory"
)

// What a capture takes of memory for each goroutine while it lasts: measured, for
// a first one, were 790 bytes (grouped, 12 frames), most of it the runtime's.
const (
	groupedBytes = 1 << 10
	fullBytes    = 3 << 10 // the text as well
	fewest       = 2 << 20 // whatever their number
)

// A MemoryError is the error of [Capture] for a dump that may be what ends the
// process.
type MemoryError struct {
	Goroutines int
	Need       int64  // bytes, estimated
	Room       string // what is left, and by which limit
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("the stacks of %d goroutines need about %s of memory, and %s", e.Goroutines, size(int(e.Need)), e.Room)
}

func checkMemory(goroutines int, full, force bool) error {
	need := int64(goroutines) * groupedBytes
	if full {
		need = int64(goroutines) * fullBytes
	}
	need += fewest
	if force {
		return nil
	}
	if room := memory.Left(); !room.Fits(need) {
		return &MemoryError{goroutines, need, room.String()}
	}
	return nil
}
