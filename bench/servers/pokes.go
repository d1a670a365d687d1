//go:build linux

package main

import (
	"context"
	"time"

	"github.com/go-manhole/lazy/bench/internal/load"
	"github.com/go-manhole/lazy/bench/internal/poke"
	"github.com/go-manhole/lazy/bench/internal/target"
)

// pokeLimit is how long one poke may take.
const pokeLimit = 20 * time.Second

// pokes is what the pokes of one slice came to.
type pokes struct {
	sent, failed int
	time         load.Histogram // from the ring to the end of the answer
	firstError   error
}

func (p *pokes) add(other *pokes) {
	p.sent += other.sent
	p.failed += other.failed
	p.time.Add(&other.time)
	if p.firstError == nil {
		p.firstError = other.firstError
	}
}

// poking pokes the process regularly until ctx is done. The first time is after
// half the interval. If a poke takes longer than the interval, the next follows
// at once.
func poking(ctx context.Context, p *target.Process, every time.Duration, ring func() error) (r pokes) {
	if every == 0 {
		return r
	}
	for next := time.Now().Add(every / 2); ; next = next.Add(every) {
		select {
		case <-ctx.Done():
			return r
		case <-time.After(time.Until(next)):
		}
		start := time.Now()
		_, err := poke.Session(p.Spec.Socket(), pokeLimit, ring)
		r.sent++
		r.time.Record(time.Since(start))
		if err != nil {
			r.failed++
			if r.firstError == nil {
				r.firstError = err
			}
		}
		if late := time.Since(next); late > every {
			next = next.Add(late - every)
		}
	}
}
