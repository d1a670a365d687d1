//go:build linux

package target

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A churn keeps the process busy with what a signal handler is most likely to
// disturb: collections, children between fork and exec, and changes of who is
// notified of the signal.
type churn struct {
	executed, failed  atomic.Int64 // children
	toggled, notified atomic.Int64 // Notify and Stop; signals that came in between
	quit              chan struct{}
	running           sync.WaitGroup
}

func (c *churn) start() {
	if c.quit != nil {
		return
	}
	c.quit = make(chan struct{})
	for _, f := range []func(){c.collect, c.exec, c.notify} {
		quit := c.quit
		c.running.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
					f()
				}
			}
		})
	}
}

func (c *churn) stop() {
	if c.quit == nil {
		return
	}
	close(c.quit)
	c.running.Wait()
	c.quit = nil
}

// garbage keeps the compiler from leaving out the allocations.
var garbage [][]byte

func (c *churn) collect() {
	garbage = nil
	for range 1000 {
		garbage = append(garbage, make([]byte, 1024))
	}
	runtime.GC()
	time.Sleep(10 * time.Millisecond)
}

func (c *churn) exec() {
	if err := exec.Command("/bin/true").Run(); err != nil {
		c.failed.Add(1)
	}
	c.executed.Add(1)
	time.Sleep(5 * time.Millisecond)
}

func (c *churn) notify() {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, unix.SIGUSR2)
	time.Sleep(time.Millisecond)
	signal.Stop(signals)
	c.notified.Add(int64(len(signals)))
	c.toggled.Add(1)
}
