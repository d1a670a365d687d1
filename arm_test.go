//go:build linux || darwin || freebsd

package lazy_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// Arm's errors say what to do, and change nothing. (No test of this process
// arms it, so they run in it.)
func TestArmErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	os.WriteFile(file, []byte("precious"), 0o600)
	before, _ := os.ReadDir("/proc/self/fd")
	for _, test := range []struct {
		option lazy.Option
		want   string
	}{
		{lazy.WithPath(filepath.Join(dir, "missing", "s")), "no such file or directory; create it or choose another with WithPath"},
		{lazy.WithPath(filepath.Join(file, "s")), "not a directory"},
		{lazy.WithPath("/" + strings.Repeat("x", 107)), "108 bytes, but a socket address holds 107; choose a shorter one"},
		{lazy.WithPath(file), "exists and is not a socket; remove it or choose another"},
		{lazy.WithPath(""), "empty"},
		{lazy.WithSignal(syscall.SIGTERM), "SIGTERM"},
		{lazy.WithSignal(syscall.SIGSEGV), "choose another (free: SIGUSR1, SIGUSR2, SIGWINCH)"},
		{lazy.WithSignal(syscall.SIGURG), "choose another (free: SIGUSR1, SIGUSR2, SIGWINCH)"},
		{lazy.WithSignal(syscall.Signal(0)), "choose another (free: SIGUSR1, SIGUSR2, SIGWINCH)"},
		{lazy.WithSignal(nil), "not a signal"},
		{lazy.WithPath("/tmp/a\nb"), "control characters"},
		{lazy.WithPath("/tmp/a\x00b"), "control characters"},
		{lazy.WithAcceptTimeout(0), "WithAcceptTimeout(0s): the duration must be positive"},
		{lazy.WithIdleTimeout(-time.Second), "WithIdleTimeout(-1s)"},
		{lazy.WithMaxDuration(-1), "WithMaxDuration"},
	} {
		err := lazy.Arm(test.option)
		if err == nil {
			t.Errorf("Arm succeeds; want %q", test.want)
			lazy.Disarm()
		} else if !strings.HasPrefix(err.Error(), "lazy: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Arm says %q; want %q", err, test.want)
		}
	}
	if after, _ := os.ReadDir("/proc/self/fd"); len(after) != len(before) {
		t.Errorf("%d descriptors before, %d after", len(before), len(after))
	}
	if b, _ := os.ReadFile(file); string(b) != "precious" {
		t.Errorf("the file in the way now holds %q", b)
	}
}

func TestArmTwice(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	if got := tg.Ask("arm"); !strings.HasPrefix(got, "lazy: armed already, SIGUSR2 opens "+tg.Path) {
		t.Error(got)
	}
	lazytest.Wants(t, tg.Script("version\n"), "go1.")
}

func TestHandlePanics(t *testing.T) {
	mustPanic := func(what string, f func()) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", what)
			}
		}()
		f()
	}
	run := func(context.Context, io.Writer, []string) error { return nil }
	mustPanic("no name", func() { lazy.Handle("", "", run) })
	mustPanic("two words", func() { lazy.Handle("a b", "", run) })
	mustPanic("a name of the console's", func() { lazy.Handle("stack", "", run) })
	lazy.Handle("taken", "", run)
	mustPanic("a name that is taken", func() { lazy.Handle("taken", "", run) })
	mustPanic("no function", func() { lazy.Handle("a", "", nil) })
}

// Disarm ends a session and removes everything, also right after a ring.
func TestDisarm(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.Ring()
	c := tg.Dial()
	lazytest.Until(t, c, lazytest.Prompt)
	if got := tg.Ask("disarm"); got != "<nil>" {
		t.Error(got)
	}
	lazytest.Wants(t, lazytest.Rest(t, c), "lazy: closing: ")
	tg.Gone()
	for range 20 {
		if got := tg.Ask("arm"); got != "<nil>" {
			t.Fatal(got)
		}
		tg.Ring()
		if got := tg.Ask("disarm"); got != "<nil>" {
			t.Error(got)
		}
		if _, err := os.Lstat(tg.Path); err == nil {
			t.Fatal("the socket is still there after Disarm")
		}
	}
	if got := tg.Ask("disarm"); got != "<nil>" {
		t.Error("Disarm of an unarmed process:", got)
	}
}
