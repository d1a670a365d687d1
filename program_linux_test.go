package lazy_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/go-manhole/lazy/internal/ringtag"
	"golang.org/x/sys/unix"
)

const ownUse = "this program is notified of SIGUSR2 itself"

// A program that uses the signal itself is warned of once. A tagged ring is
// lazy's alone, a plain kill reaches the program as well.
func TestOwnUse(t *testing.T) {
	if idleGoroutines != 0 {
		t.Skip("os/signal does not tell lazy's use from the program's")
	}
	t.Parallel()
	session := func(tg *target) {
		t.Helper()
		c := tg.Dial()
		c.CloseWrite()
		lazytest.Rest(t, c)
		tg.Gone()
	}
	for _, notify := range []string{"before", "after", "line"} {
		t.Run(notify, func(t *testing.T) {
			t.Parallel()
			var flags []string
			if notify != "line" {
				flags = []string{"-notify", notify}
			}
			tg := startTarget(t, flags...)
			if notify == "line" {
				if got := tg.Ask("notify"); got != "notifying" {
					t.Fatal(got)
				}
			}
			tg.Logged(ownUse) // without a ring
			lazytest.Wants(t, tg.Log.String(), "kill -USR2", "manhole-poke", "WithSignal", "free: SIG")
			for range 3 {
				if err := ringtag.Send(-1, tg.PID, unix.SIGUSR2); err != nil {
					t.Skip(err)
				}
				session(tg)
			}
			for i := 1; i <= 3; i++ {
				tg.Ring()
				session(tg)
				lazytest.Eventually(t, "the program is notified", func() bool { return tg.AskInt("notified") >= i })
			}
			if got := tg.AskInt("notified"); got != 3 {
				t.Errorf("3 plain signals came, and the program was notified of %d", got)
			}
			if n := strings.Count(tg.Log.String(), ownUse); n != 1 {
				t.Errorf("%d warnings", n)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		tg := startTarget(t)
		for range 5 {
			tg.Ring()
			session(tg)
		}
		if strings.Contains(tg.Log.String(), ownUse) {
			t.Error("a warning without a reason")
		}
	})
}

// A logger that hangs or panics, in whichever of its methods, does not keep a
// session from opening and ending.
func TestBadLoggerMethods(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"panic", "hang", "goexit"} {
		for _, method := range []string{"Enabled", "WithAttrs", "WithGroup"} {
			t.Run(how+" "+method, func(t *testing.T) {
				t.Parallel()
				tg := startTarget(t, "-logger", how+" "+method)
				for range 3 {
					lazytest.Wants(t, tg.Script("version\n"), "go1.")
					tg.Gone()
				}
				if got := tg.Ask("disarm"); got != "<nil>" {
					t.Error(got)
				}
				// The one that hangs, and what os/signal has.
				lazytest.Eventually(t, "the goroutines are gone", func() bool {
					return tg.AskInt("goroutines") <= 2+idleGoroutines
				})
			})
		}
	}
}

// Arm refuses to arm in a bubble, where its timers would be the bubble's.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour)
		err := lazy.Arm()
		if err == nil || !strings.Contains(err.Error(), "testing/synctest") {
			t.Errorf("%v", err)
		}
	})
	if err := lazy.Disarm(); err != nil {
		t.Error(err)
	}
}

// What a seccomp filter forbids is what Arm complains of.
func TestForbidden(t *testing.T) {
	lazytest.SkipEmulated(t, "the filter would be the emulator's")
	t.Parallel()
	tg := launch(t, nil, "-before", "forbid-sockets")
	lazytest.Wants(t, tg.First, "error: lazy: cannot make a unix socket", "operation not permitted", "seccomp", "AF_UNIX")
	if strings.Contains(tg.First, "ulimit") {
		t.Errorf("advice about descriptors: %s", tg.First)
	}

	tg = launch(t, nil, "-before", "forbid-memfd").ready()
	tg.Logged("manhole-poke finds this process only with -s USR2 -p PATH")
	lazytest.Wants(t, tg.Log.String(), "memfd_create", "operation not permitted", "path="+tg.Path)
	before := tg.resting()
	for range 2 {
		lazytest.Wants(t, tg.Script("version\n"), "go1.")
		tg.Gone()
	}
	tg.Settles(before)
	if got := tg.Ask("disarm"); got != "<nil>" {
		t.Error(got)
	}
}
