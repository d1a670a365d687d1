package top

import (
	"strings"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
)

const (
	profileTime  = time.Second
	profileEvery = time.Minute // if so wanted
	profileLine  = "pprof-cpu 1s -top -n 30"
	maxProfile   = 32 // lines of the answer
)

// A Profile is a CPU profile by function, as the console sums it up.
type Profile struct {
	When    time.Time
	Pending bool     // it is being taken
	Lines   []string // the whole, the heads of the columns, and functions
	Err     string   // why there is none
}

// readProfile takes the answer of the console, which is not trusted.
func readProfile(answer string) (p Profile) {
	for line := range strings.Lines(answer) {
		if len(p.Lines) == maxProfile {
			break
		}
		indent := len(line) - len(strings.TrimLeft(line, " "))
		p.Lines = append(p.Lines, strings.Repeat(" ", min(indent, 20))+clip(printable.Line(line), 300))
	}
	return p
}

// clip returns at most n runes of s.
func clip(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}
