package lazy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// buildCThread builds testdata/cthread.
func buildCThread(t *testing.T) (bin string) {
	t.Helper()
	if lazytest.Emulated() {
		t.Skip("no C compiler for the emulated machine")
	}
	if idleGoroutines != 0 {
		t.Skip("with os/signal the program is always notified")
	}
	lazytest.Tool(t, "gcc")
	goTool := lazytest.Tool(t, "go")
	bin = filepath.Join(t.TempDir(), "cthread")
	build := exec.Command(goTool, "build", "-o", bin, "./testdata/cthread")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// startCThread returns the process and the thread that C code started.
func startCThread(t *testing.T, bin string, words ...string) (tg *lazytest.Process, tid int) {
	t.Helper()
	tg = lazytest.Launch(t, "", exec.Command(bin, words...))
	tid, err := strconv.Atoi(tg.First)
	if err != nil {
		t.Fatalf("the program says %q", tg.First)
	}
	return tg, tid
}

// A signal that comes to a thread of C code rings, reaches the program's own
// channel, and does not end the process.
func TestThreadOfC(t *testing.T) {
	t.Parallel()
	bin := buildCThread(t)
	for _, words := range [][]string{{"arm"}, {"arm", "notify"}, {"block", "arm", "notify"}, {"block", "notify", "arm"}, {"notify", "arm", "block"}} {
		t.Run(strings.Join(words, " "), func(t *testing.T) {
			t.Parallel()
			tg, tid := startCThread(t, bin, words...)
			notify := slices.Contains(words, "notify")
			session := func() {
				t.Helper()
				c := tg.Dial()
				fmt.Fprintln(c, "version")
				c.CloseWrite()
				lazytest.Wants(t, lazytest.Rest(t, c), "go1.")
				tg.Gone()
			}
			heard := 0
			arrives := func() {
				t.Helper()
				if heard++; notify {
					lazytest.Eventually(t, "the program is notified", func() bool { return tg.AskInt("?") == heard })
				}
			}
			for range 5 {
				if err := unix.Tgkill(tg.PID, tid, unix.SIGUSR2); err != nil {
					t.Fatal(err)
				}
				session()
				arrives()
				tg.Ring() // whatever thread gets it
				session()
				arrives()
			}
			// A signal that is not lazy's any more is as it was before.
			tg.AskInt("disarm")
			tg.AskInt("other")
			for range 5 {
				unix.Tgkill(tg.PID, tid, unix.SIGUSR2)
				arrives()
				tg.Ring()
				arrives()
			}
			tg.AskInt("disarm")
			for range 5 {
				unix.Tgkill(tg.PID, tid, unix.SIGUSR2)
				arrives()
				tg.Ring()
				arrives()
			}
			if got := tg.AskInt("?"); notify && got != heard {
				t.Errorf("the program was notified of %d signals, %d came", got, heard)
			}
		})
	}
}

// What the main thread gets late is the same ring.
func TestThreadOfCLate(t *testing.T) {
	t.Parallel()
	tg, tid := startCThread(t, buildCThread(t), "arm")
	session := func() {
		c := tg.Dial()
		c.CloseWrite()
		lazytest.Rest(t, c)
	}
	tg.AskInt("block")
	for range 3 {
		unix.Tgkill(tg.PID, tid, unix.SIGUSR2)
		session()
		tg.Gone()
	}
	tg.AskInt("unblock")
	if _, err := os.Lstat(tg.Path); err == nil {
		t.Error("it rang twice")
	}
	tg.Ring()
	session()
}

// The process outlives Disarm while signals come to its threads, also those of C
// code.
func TestThreadOfCDisarm(t *testing.T) {
	t.Parallel()
	bin := buildCThread(t)
	for _, words := range [][]string{{"arm"}, {"block", "arm"}, {"arm", "notify"}} {
		t.Run(strings.Join(words, " "), func(t *testing.T) {
			tg, tid := startCThread(t, bin, words...)
			var storm sync.WaitGroup
			stop := make(chan bool)
			for _, send := range []func(){
				func() { unix.Tgkill(tg.PID, tid, unix.SIGUSR2) },
				func() { unix.Kill(tg.PID, unix.SIGUSR2) },
			} {
				storm.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							send()
						}
					}
				})
			}
			for _, word := range []string{"arm", "other", "arm"} {
				for range 20 {
					tg.AskInt("disarm")
					tg.AskInt(word)
				}
				tg.AskInt("disarm")
			}
			close(stop)
			storm.Wait()
			tg.AskInt("arm")
			tg.Ring()
			c := tg.Dial()
			c.CloseWrite()
			lazytest.Rest(t, c)
		})
	}
}
