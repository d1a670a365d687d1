//go:build darwin || freebsd

package lazy_test

// A footprint is what a process has.
type footprint struct{ Goroutines int }

func (tg *target) footprint() footprint { return footprint{tg.askInt("goroutines")} }

// resting is the footprint once the record of the last session is written.
func (tg *target) resting() (f footprint) {
	tg.t.Helper()
	eventually(tg.t, "the last session is recorded", func() bool {
		f = tg.footprint()
		return f.Goroutines == 1+idleGoroutines
	})
	return f
}

func (tg *target) settles(before footprint) {
	tg.t.Helper()
	eventually(tg.t, "the goroutines are what they were", func() bool { return tg.footprint() == before })
}
