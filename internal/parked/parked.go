// Package parked reads from the runtime's memory what parked goroutines wait for
// and what is on their stacks, as a debugger does: runtime.Stack shows no channels
// and not where a stack is.
//
// It reads with process_vm_readv, which never faults, while the goroutines run on.
// So whatever it finds may be out of date, and each goroutine is checked: its
// structure has to point to itself and to have the id it is looked for by.
package parked

import "sort"

// A Goroutine is one that was parked when it was read.
type Goroutine struct {
	ID uint64

	address uint64 // of the runtime's g
	waiting uint64 // address of its first sudog, or 0
	sp, hi  uint64 // the part of its stack that is in use
}

// Find returns the goroutine with the id in what List returned, or nil.
func Find(list []Goroutine, id uint64) *Goroutine {
	i := sort.Search(len(list), func(i int) bool { return list[i].ID >= id })
	if i == len(list) || list[i].ID != id {
		return nil
	}
	return &list[i]
}

// maxStack bounds how much of a stack is read: the innermost frames.
const maxStack = 16 << 10
