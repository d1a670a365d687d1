//go:build linux || darwin || freebsd

package lazy_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// What signal.Ignore and signal.Reset do to the doorbell, as documented.
func TestIgnoreAndReset(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.Ask("ignore")
	tg.Ring()
	time.Sleep(100 * time.Millisecond)
	if _, err := os.Lstat(tg.Path); !errors.Is(err, os.ErrNotExist) {
		t.Error("an ignored signal opened the socket")
	}
	if got := tg.Ask("disarm"); got != "<nil>" {
		t.Error(got)
	}
	tg.Ask("reset") // does not undo signal.Ignore as far as the kernel knows
	if got := tg.Ask("arm"); !strings.Contains(got, "ignored") || !strings.Contains(got, "call signal.Notify") {
		t.Errorf("Arm with the signal ignored: %s", got)
	}
	tg.Ask("notify")
	if got := tg.Ask("arm"); got != "<nil>" {
		t.Error(got)
	}
	lazytest.Wants(t, tg.Script("version\n"), "go1.")
	tg.Gone()
	tg.Ask("reset")
	if resetSilences {
		return
	}
	lazytest.Wants(t, tg.Script("version\n"), "go1.")
}

// The program's own notification works, whichever came first, and after a
// session, Disarm and Arm.
func TestOwnNotify(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			tg := startTarget(t, "-notify", when)
			for i := 1; i <= 3; i++ {
				lazytest.Wants(t, tg.Script("version\n"), "go1.")
				lazytest.Eventually(t, "the program is notified", func() bool { return tg.AskInt("notified") == i })
			}
			if got := tg.Ask("disarm"); got != "<nil>" {
				t.Fatal(got)
			}
			tg.Ring()
			lazytest.Eventually(t, "the program is notified", func() bool { return tg.AskInt("notified") == 4 })
			if _, err := os.Lstat(tg.Path); err == nil {
				t.Error("a disarmed process opened its socket")
			}
			if got := tg.Ask("arm"); got != "<nil>" {
				t.Fatal(got)
			}
			lazytest.Wants(t, tg.Script("version\n"), "go1.")
		})
	}
}

// Ten thousand rings under load and garbage collection, while the program
// starts processes and is notified itself, break nothing.
func TestStorm(t *testing.T) {
	n := 10000
	if testing.Short() || lazytest.Emulated() {
		n = 500
	}
	tg := startTarget(t, "-spin", "4", "-gc", "-exec", "-notify", "after", "-accept-timeout", "100ms")
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 20 {
			c, err := net.Dial("unix", tg.Path)
			if err != nil {
				time.Sleep(time.Duration(i) * time.Millisecond)
				continue
			}
			io.WriteString(c, "version\n")
			c.(*net.UnixConn).CloseWrite()
			io.Copy(io.Discard, c)
			c.Close()
		}
	})
	for range n {
		tg.Ring()
		time.Sleep(50 * time.Microsecond)
	}
	wg.Wait()
	if n := tg.AskInt("notified"); n == 0 {
		t.Error("the program's own channel got nothing")
	}
	var got string
	lazytest.Eventually(t, "a session answers after the storm", func() bool {
		tg.Ring()
		c, err := net.Dial("unix", tg.Path)
		if err != nil {
			return false
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(lazytest.Patience))
		io.WriteString(c, "version\n")
		c.(*net.UnixConn).CloseWrite()
		b, _ := io.ReadAll(c)
		got = string(b)
		return strings.HasPrefix(got, "go1.")
	})
}
