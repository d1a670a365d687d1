//go:build linux

package main

import (
	"context"
	"strings"
	"time"

	"github.com/go-manhole/lazy/bench/internal/poke"
	"github.com/go-manhole/lazy/bench/internal/target"
)

// sessionLimit is how long one session may take. The machine is saturated.
const sessionLimit = 2 * time.Minute

// sessions is what came of them.
type sessions struct {
	answered, failed int
	firstError       error
}

// talking has one session after the other, without ringing itself: the storm
// does.
func talking(ctx context.Context, p *target.Process) (s sessions) {
	for ctx.Err() == nil && p.Alive() {
		limit := sessionLimit
		_, err := poke.Session(p.Spec.Socket(), limit, func() error { return ctx.Err() })
		switch {
		case err == nil:
			s.answered++
		case ctx.Err() == nil: // otherwise the storm is over, and nobody rings
			s.failed++
			if s.firstError == nil {
				s.firstError = err
			}
		}
	}
	return s
}

func text(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, "; ")
}
