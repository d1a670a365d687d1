//go:build darwin || freebsd

package lazytest

// A Footprint is what a process has.
type Footprint struct{ Goroutines int }

// Footprint counts what the process has. Its role answers the line
// "goroutines" with runtime.NumGoroutine().
func (p *Process) Footprint() Footprint { return Footprint{p.AskInt("goroutines")} }

// Resting returns the footprint once there are so many goroutines again.
func (p *Process) Resting(goroutines int) (f Footprint) {
	p.t.Helper()
	Eventually(p.t, "the last session is over", func() bool {
		f = p.Footprint()
		return f.Goroutines == goroutines
	})
	return f
}

// Settles waits until the process has what it had before.
func (p *Process) Settles(before Footprint) {
	p.t.Helper()
	Eventually(p.t, "the goroutines are what they were", func() bool { return p.Footprint() == before })
}
