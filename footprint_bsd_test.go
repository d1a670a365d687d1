//go:build darwin || freebsd

package lazy_test

// A footprint is what a process has.
type footprint struct{ Goroutines int }

func (tg *target) footprint() footprint { return footprint{tg.askInt("goroutines")} }

func (tg *target) settles(before footprint) {
	tg.t.Helper()
	eventually(tg.t, "the goroutines are what they were", func() bool { return tg.footprint() == before })
}
