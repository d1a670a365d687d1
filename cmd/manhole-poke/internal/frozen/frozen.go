// Package frozen has an armed process make a copy of itself that stands still,
// and finds that copy here: as a process whose memory may be read, or where
// that is not permitted, as a core file.
package frozen

import (
	"time"

	"github.com/go-manhole/lazy/internal/frame"
)

// Options say how a copy is made.
type Options struct {
	Duration time.Duration // after which the copy ends by itself; 0 is the default of the process
	Trace    bool          // ptrace(2) is needed, not only the memory
	Core     bool          // a core file is wanted in any case

	// Where to show what is said in passing and how far a core has come. Both
	// may be nil.
	Note     func(text string)
	Progress func(frame.Progress)
}
