package safely

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
)

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text } // panics when nil

func TestCall(t *testing.T) {
	if err := Call(time.Hour, func() error { return nil }); err != nil {
		t.Error(err)
	}
	cause := errors.New("why")
	if err := Call(time.Hour, func() error { return cause }); err == nil || err.Error() != "why" || errors.As(err, new(*Failure)) {
		t.Error(err)
	}
	release := make(chan bool)
	defer close(release)
	for want, f := range map[string]func() error{
		"panicked: on purpose":          func() error { panic("on purpose") },
		"runtime.Goexit":                func() error { runtime.Goexit(); return nil },
		"panicked: runtime error: inva": func() error { return (*nilError)(nil) },
		"did not return within 10ms":    func() error { <-release; return nil },
	} {
		limit := time.Hour
		if strings.Contains(want, "within") {
			limit = 10 * time.Millisecond
		}
		if err := Call(limit, f); !errors.As(err, new(*Failure)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// stuck blocks in every method until it is released, or panics.
type stuck struct {
	slog.Handler
	release chan bool
}

func (s stuck) act() {
	if s.release == nil {
		panic("on purpose")
	}
	<-s.release
}

func (s stuck) WithAttrs(a []slog.Attr) slog.Handler { s.act(); return s.Handler.WithAttrs(a) }
func (s stuck) WithGroup(g string) slog.Handler      { s.act(); return s.Handler.WithGroup(g) }
func (s stuck) Handle(ctx context.Context, r slog.Record) error {
	s.act()
	return s.Handler.Handle(ctx, r)
}

func TestHandler(t *testing.T) {
	var b lazytest.Buffer
	text := slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelWarn})
	var program atomic.Pointer[slog.Handler]
	use := func(h slog.Handler) { program.Store(&h) }
	use(text)
	l := slog.New(NewHandler(func() slog.Handler { return *program.Load() }))
	l.Info("too low")
	l.With("a", 1).WithGroup("g").With("b", 2).Warn("first", "c", 3)
	if got := b.String(); !strings.Contains(got, "msg=first a=1 g.b=2 g.c=3\n") || strings.Contains(got, "too low") {
		t.Error(got)
	}

	use(stuck{text, nil})
	l.Warn("panics")
	l.With("a", 1).Warn("panics")
	l.WithGroup("g").Warn("panics", "a", 1)

	release := make(chan bool)
	use(stuck{text, release})
	l.With("a", 1).Warn("blocks") // a second
	use(text)
	l.Warn("dropped")
	close(release)
	for strings.Count(b.String(), "later") == 0 {
		l.Warn("later") // once the other has returned
	}
	if got := b.String(); strings.Contains(got, "dropped") || strings.Contains(got, "panics") {
		t.Error(got)
	}
}
