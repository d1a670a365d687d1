package lazy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// A signal that comes to a thread of C code rings, reaches the program's own
// channel, and does not end the process.
func TestThreadOfC(t *testing.T) {
	if lazytest.Emulated() {
		t.Skip("no C compiler for the emulated machine")
	}
	if idleGoroutines != 0 {
		t.Skip("with os/signal the program is always notified")
	}
	lazytest.Tool(t, "gcc")
	goTool := lazytest.Tool(t, "go")
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "cthread")
	build := exec.Command(goTool, "build", "-o", bin, "./testdata/cthread")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, notify := range []bool{false, true} {
		cmd := exec.Command(bin)
		if notify {
			cmd.Args = append(cmd.Args, "notify")
		}
		tg := lazytest.Launch(t, "", cmd)
		tid, err := strconv.Atoi(tg.First)
		if err != nil {
			t.Fatalf("the program says %q", tg.First)
		}
		for i := 1; i <= 5; i++ {
			if err := unix.Tgkill(tg.PID, tid, unix.SIGUSR2); err != nil {
				t.Fatal(err)
			}
			c := tg.Dial()
			fmt.Fprintln(c, "version")
			c.CloseWrite()
			lazytest.Wants(t, lazytest.Rest(t, c), "go1.")
			tg.Gone()
			if notify {
				lazytest.Eventually(t, "the program is notified", func() bool { return tg.AskInt("?") == i })
			}
		}
		// What the main thread gets late is the same ring.
		tg.AskInt("block")
		for range 3 {
			unix.Tgkill(tg.PID, tid, unix.SIGUSR2)
			c := tg.Dial()
			c.CloseWrite()
			lazytest.Rest(t, c)
			tg.Gone()
		}
		tg.AskInt("unblock")
		if _, err := os.Lstat(tg.Path); err == nil {
			t.Error("it rang twice")
		}
		tg.Ring()
		c := tg.Dial()
		c.CloseWrite()
		lazytest.Rest(t, c)
	}
}
