//go:build linux || darwin || freebsd

package pollconn

import (
	"runtime"
	"runtime/metrics"
	"time"

	"golang.org/x/sys/unix"
)

// parkTime is the longest that the doorkeeper is parked: after it comes back, the
// runtime's monitor looks some 50 times before it sleeps again. lookTime is the
// longest that the session waits before it looks by itself, should the process
// be saturated since.
const (
	parkTime = time.Second
	lookTime = 250 * time.Millisecond
)

// A process is calm after so many looks, each PollInterval or more after the one
// before, that found no goroutine waiting for a processor.
const calmLooks = 3

// parking is what the doorkeeper and the session know of each other while the
// doorkeeper is parked, and how calm the process was.
type parking struct {
	calm   int // looks, up to calmLooks
	looked time.Time
	cpu    time.Duration
	sample [1]metrics.Sample
}

// MayPark reports whether the session does nothing but wait for input, and the
// process is calm. The doorkeeper then calls Park in place of Wake.
func (c *Conn) MayPark() bool {
	return c.isCalm() && c.reading.Load() && c.pausing.Load() == 1
}

// Park returns when there is something to read, or a connection at the listener
// (-1 is none), or after parkTime. It waits in the kernel, which in a saturated
// process would take seconds: see the comment of the package.
func (c *Conn) Park(listener int) {
	c.mu.RLock()
	fds := [2]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}, {Fd: int32(listener), Events: unix.POLLIN}}
	c.mu.RUnlock()
	c.parked.Store(true)
	n, err := unix.Poll(fds[:], int(parkTime/time.Millisecond))
	c.parked.Store(false)
	if n == 0 {
		return
	}
	c.reading.Store(false) // until it waits again
	if err != nil || fds[0].Revents&^unix.POLLIN != 0 || fds[1].Revents != 0 {
		// What ended this may be there again at once: a connection for which
		// there is no descriptor.
		c.parking.calm = 0
	}
}

func (c *Conn) isCalm() bool {
	p := &c.parking
	now := time.Now()
	since := now.Sub(p.looked)
	if since < PollInterval {
		return p.calm >= calmLooks
	}
	cpu := processCPU()
	used := cpu - p.cpu
	p.looked, p.cpu = now, cpu
	// Usually the CPU time is answer enough, and asking the scheduler takes a lock.
	if used > since/2*time.Duration(runtime.GOMAXPROCS(0)) || p.runnable() {
		p.calm = 0
		return false
	}
	p.calm = min(p.calm+1, calmLooks)
	return p.calm >= calmLooks
}

// runnable reports whether a goroutine waits for a processor, or may.
func (p *parking) runnable() bool {
	p.sample[0].Name = "/sched/goroutines/runnable:goroutines"
	metrics.Read(p.sample[:])
	v := p.sample[0].Value
	return v.Kind() != metrics.KindUint64 || v.Uint64() > 0
}

// readPause is Pause for Read, in which the doorkeeper may park.
func (c *Conn) readPause() {
	wait := handoffTimeout
	switch parked := c.parked.Load(); {
	case parked && c.alone:
		wait = PollInterval
	case parked:
		wait = lookTime
	default:
		c.alone = false
	}
	c.reading.Store(true)
	defer c.reading.Store(false)
	c.early = !c.pause(wait) && c.parked.Load()
}
