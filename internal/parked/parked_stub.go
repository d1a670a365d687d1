//go:build !linux || !(amd64 || arm64) || go1.28

package parked

import "errors"

// List fails: this package does not know the runtime here.
func List(int) ([]Goroutine, error) {
	return nil, errors.New("that needs Linux on amd64 or arm64, and Go 1.26 or 1.27")
}

// Channels returns buf.
func (g *Goroutine) Channels(buf []uint64) []uint64 { return buf }

// Stack returns nothing.
func (g *Goroutine) Stack([]uint64) []uint64 { return nil }

// Semaphore returns 0.
func (g *Goroutine) Semaphore([]uint64) uint64 { return 0 }
