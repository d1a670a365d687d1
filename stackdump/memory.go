package stackdump

import (
	"fmt"

	"github.com/go-manhole/lazy/internal/memory"
)

// perText is what a full capture takes for each goroutine besides what a grouped
// one does: the text, mostly outside of Go's heap.
const perText = 2 << 10

// A MemoryError is the error of [Capture] for a dump that may be what ends the
// process.
type MemoryError struct {
	Goroutines int
	Need       int64  // bytes, estimated
	Room       string // what is left, and by which limit
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("the stacks of %d goroutines need about %s of memory, and %s", e.Goroutines, memory.Show(e.Need), e.Room)
}

// checkMemory returns a *MemoryError if a capture does not fit into what is
// left, and how much of it the groups may take.
func checkMemory(goroutines int, full, force bool) (groups int, err error) {
	if force {
		return maxHeld, nil
	}
	need := memory.Stacks(goroutines)
	if full {
		need += int64(goroutines) * perText
	}
	room := memory.Left()
	if !room.Fits(need) {
		return 0, &MemoryError{goroutines, need, room.String()}
	}
	if room.Bytes >= 0 {
		return int(min(maxHeld, room.Bytes/4)), nil
	}
	return maxHeld, nil
}
