package stackdump

import "time"

// A Goroutine is one that was found in another way than by Capture.
type Goroutine struct {
	ID        uint64
	State     string // in the runtime's words
	Frames    []Frame
	CreatedBy Frame
}

// New groups goroutines that a debugger found at that time, as Capture does with
// those of this process. missing is how many it could not read.
func New(taken time.Time, all []Goroutine, missing int) *Dump {
	d := &Dump{Taken: taken, Full: true}
	g := newGrouper("")
	for _, r := range all {
		g.add(&record{count: 1, id: r.ID, state: r.State, frames: r.Frames, by: r.CreatedBy})
	}
	d.Groups = g.groups()
	d.Total = g.total + missing
	d.Missing = g.missing + missing
	return d
}
