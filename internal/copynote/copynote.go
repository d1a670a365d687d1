// Package copynote is what a session says about the frozen copy that it made, in
// the first line of "freeze -json", for manhole-poke.
package copynote

import (
	"encoding/json"
	"errors"
	"time"
)

// Name is what a copy is called in /proc/PID/comm.
const Name = "lazy-frozen"

// A Note describes one copy.
type Note struct {
	PID        int           `json:"pid"`        // of the copy, in the PID namespace of the process
	Of         int           `json:"of"`         // PID of the process, likewise
	Taken      time.Time     `json:"taken"`      // when
	Until      time.Time     `json:"until"`      // when it ends by itself
	Pause      time.Duration `json:"pause_ns"`   // how long the program stood still
	Goroutines int           `json:"goroutines"` // at that time
	// Exact is whether every goroutine's place is exact. If not, Why says why,
	// and those that were running are shown where they last waited.
	Exact bool   `json:"exact"`
	Why   string `json:"why,omitempty"`
	// Tracer is the PID that may trace the copy although it is not root, where
	// Yama restricts that, in the PID namespace of the process; 0 is none.
	Tracer int `json:"tracer,omitempty"`
}

// Marshal returns the line, with its end.
func (n Note) Marshal() []byte {
	b, _ := json.Marshal(n) // cannot fail
	return append(b, '\n')
}

// Parse reads a line.
func Parse(line []byte) (n Note, err error) {
	if err = json.Unmarshal(line, &n); err == nil && (n.PID <= 0 || n.Of <= 0 || n.PID == n.Of) {
		err = errors.New("no PID of a copy")
	}
	return n, err
}
