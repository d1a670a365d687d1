//go:build linux || darwin || freebsd

package lazy_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// Nothing of a session is left behind, however its peer or its command ends.
func TestNothingLeftBehind(t *testing.T) {
	t.Parallel()
	tg := startTarget(t, "-idle-timeout", "2s", "-max-duration", "8s", "-accept-timeout", "1s")
	// The first session starts what a process starts once: threads, the
	// poller, caches.
	tg.Script("stats\nstack\n")
	tg.Gone()
	before := tg.resting()
	for _, test := range []struct {
		name string
		do   func(t *testing.T, c net.Conn)
		log  string
	}{
		{"quit", func(t *testing.T, c net.Conn) { io.WriteString(c, "quit\n"); lazytest.Rest(t, c) }, "err=<nil>"},
		{"close at the prompt", func(t *testing.T, c net.Conn) { lazytest.Until(t, c, lazytest.Prompt); c.Close() }, ""},
		{"close at once", func(t *testing.T, c net.Conn) { c.Close() }, ""},
		{"close during a command", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "block\n")
			lazytest.Until(t, c, "blocking\n")
			c.Close()
		}, "the peer closed the connection"},
		{"silence", func(t *testing.T, c net.Conn) { lazytest.Wants(t, lazytest.Rest(t, c), "lazy: closing: ") }, ""},
		{"maximum duration", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "block\n")
			lazytest.Wants(t, lazytest.Rest(t, c), "lazy: closing: ")
		}, "reached its maximum duration"},
		{"panic", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "panic\necho still here\nquit\n")
			lazytest.Wants(t, lazytest.Rest(t, c), "lazy: error: panic", "on purpose", "still here")
		}, "on purpose"},
		{"goexit", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "goexit\necho still here\nquit\n")
			lazytest.Wants(t, lazytest.Rest(t, c), "lazy: error: goexit", "still here")
		}, ""},
		{"never reads", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "flood\n")
			tg.Gone()
			c.Close()
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			tg.Ring()
			test.do(t, tg.Dial())
			tg.Gone()
			tg.Settles(before)
			if test.log != "" {
				tg.Logged(test.log)
			}
			lazytest.Wants(t, tg.Script("version\n"), "go1.")
			tg.Gone()
		})
	}
	t.Run("no client connects", func(t *testing.T) {
		tg.Ring()
		tg.Opened()
		tg.Gone()
		tg.Logged("no client connected")
		tg.Settles(before)
	})
}

// A command that never returns loses its session, and the next ring works.
func TestStuckCommand(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.Ring()
	c := tg.Dial()
	io.WriteString(c, "stuck\n")
	time.Sleep(200 * time.Millisecond)
	c.Close()
	tg.Gone()
	tg.Logged("left running")
	lazytest.Wants(t, tg.Script("version\n"), "go1.")
}

// A thousand sessions in a row leave nothing behind.
func TestThousandSessions(t *testing.T) {
	n := 1000
	if testing.Short() || lazytest.Emulated() {
		n = 50
	}
	tg := startTarget(t)
	for range 10 {
		tg.Script("stats\nstack\n")
	}
	tg.Gone()
	before := tg.resting()
	for i := range n {
		if got := tg.Script("version\n"); !strings.HasPrefix(got, "go1.") {
			t.Fatalf("session %d: %q", i, got)
		}
	}
	tg.Gone()
	tg.Settles(before)
}
