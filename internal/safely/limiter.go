package safely

import (
	"context"
	"log/slog"
	"time"
)

// A Limiter writes at most one record a second about something that a stranger
// can cause without end, with the number of those in between. The zero value is
// ready to use. It is not safe for concurrent use.
type Limiter struct {
	last    time.Time
	skipped int
}

const limiterInterval = time.Second

// Log writes a record, or counts it.
func (r *Limiter) Log(l *slog.Logger, level slog.Level, text string, args ...any) {
	if time.Since(r.last) < limiterInterval {
		r.skipped++
		return
	}
	if r.skipped > 0 {
		args = append(args, "more", r.skipped)
	}
	r.last, r.skipped = time.Now(), 0
	l.Log(context.Background(), level, text, args...)
}

// Flush writes one record with the number of those that were counted and are in
// no other, if there are any.
func (r *Limiter) Flush(l *slog.Logger, text string) {
	if r.skipped > 0 {
		l.Warn(text, "more", r.skipped)
		r.skipped = 0
	}
}
