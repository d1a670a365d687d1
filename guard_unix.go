//go:build linux || darwin || freebsd

package lazy

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// guarded calls f, which is the program's own code and may do anything, in a
// goroutine of its own. It returns an error when f panics, calls
// runtime.Goexit or has not returned in time; in the last case the goroutine
// stays until f returns.
func guarded(limit time.Duration, f func()) error {
	ended := make(chan error, 1)
	go func() {
		err := fmt.Errorf("it called runtime.Goexit")
		defer func() { ended <- err }()
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("it panicked: %v", v)
			}
		}()
		f()
		err = nil
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(limit):
		return fmt.Errorf("it did not return within %v", limit)
	}
}

// A recorder passes records on to the program's logger, whatever that does: a
// manhole that its logger can break or block (a full pipe, a mutex that somebody holds)
// would fail when it is needed most. While the logger is stuck with one record
// the following are dropped.
type recorder struct {
	slog.Handler
	stuck *atomic.Bool
}

// logPatience is how long a session waits for the logger.
const logPatience = time.Second

func (r recorder) Enabled(context.Context, slog.Level) bool { return true }

func (r recorder) Handle(ctx context.Context, record slog.Record) error {
	if !r.stuck.CompareAndSwap(false, true) {
		return nil
	}
	return guarded(logPatience, func() {
		defer r.stuck.Store(false)
		if r.Handler.Enabled(ctx, record.Level) {
			r.Handler.Handle(ctx, record)
		}
	})
}

func (r recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	r.Handler = r.Handler.WithAttrs(attrs)
	return r
}

func (r recorder) WithGroup(name string) slog.Handler {
	r.Handler = r.Handler.WithGroup(name)
	return r
}

// log returns the program's logger, made safe. The default is looked up each time, since the
// program may set it after Arm.
func (m *manhole) log() *slog.Logger {
	l := m.logger
	if l == nil {
		l = slog.Default()
	}
	return slog.New(recorder{l.Handler(), &m.logStuck})
}
