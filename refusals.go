//go:build linux || darwin || freebsd

package lazy

import (
	"context"
	"log/slog"
	"time"
)

// refusals logs at most one record a second about peers that were turned away,
// with the number of those in between, since a peer may try without end.
type refusals struct {
	last    time.Time
	skipped int
}

const refusalInterval = time.Second

func (r *refusals) log(l *slog.Logger, level slog.Level, text string, args ...any) {
	if time.Since(r.last) < refusalInterval {
		r.skipped++
		return
	}
	if r.skipped > 0 {
		args = append(args, "more", r.skipped)
	}
	r.last, r.skipped = time.Now(), 0
	l.Log(context.Background(), level, text, args...)
}

// flush logs the number of those that were not logged.
func (r *refusals) flush(l *slog.Logger) {
	if r.skipped > 0 {
		l.Warn("lazy: further peers were turned away", "more", r.skipped)
		r.skipped = 0
	}
}
