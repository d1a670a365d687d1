package safely

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// logTimeout is how long a record may take.
const logTimeout = time.Second

// A Handler passes records on to the program's slog.Handler by [Call], so that a
// handler that panics or blocks (a full pipe, a mutex that is held) breaks
// nothing. While the program's handler is stuck with one record, further ones
// are dropped. It is safe for concurrent use.
type Handler struct {
	program func() slog.Handler
	derived []func(slog.Handler) slog.Handler // WithAttrs and WithGroup, in order
	busy    *atomic.Bool                      // a record is being handled
}

// NewHandler returns a Handler. It calls program for each record, since the
// default logger of a program may change.
func NewHandler(program func() slog.Handler) *Handler {
	return &Handler{program: program, busy: new(atomic.Bool)}
}

// Enabled returns true: only the program's handler knows, and it is asked under
// the limit.
func (h *Handler) Enabled(context.Context, slog.Level) bool { return true }

// Handle passes the record on and waits at most one second for it.
func (h *Handler) Handle(ctx context.Context, record slog.Record) error {
	if !h.busy.CompareAndSwap(false, true) {
		return nil
	}
	return Call(logTimeout, func() error {
		defer h.busy.Store(false)
		to := h.program()
		for _, derive := range h.derived {
			to = derive(to)
		}
		if !to.Enabled(ctx, record.Level) {
			return nil
		}
		return to.Handle(ctx, record)
	})
}

func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
}

func (h *Handler) WithGroup(name string) slog.Handler {
	return h.with(func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h *Handler) with(derive func(slog.Handler) slog.Handler) slog.Handler {
	// The full slice expression makes append copy.
	return &Handler{h.program, append(h.derived[:len(h.derived):len(h.derived)], derive), h.busy}
}
