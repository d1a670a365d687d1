//go:build amd64 || arm64

package threads_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/go-manhole/lazy/internal/threads"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	lazytest.Play(lazytest.Roles{"limited": limited})
	os.Exit(m.Run())
}

// limited is an armed program that limits the threads of its user to the number
// in each line that it reads, and says whether three more can be started.
func limited() {
	time.AfterFunc(time.Hour, func() {}) // starts the poller, as most programs do
	if err := lazy.Arm(lazy.WithPath(os.Args[1])); err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		n, isLimit := strings.CutPrefix(in.Text(), "nproc ")
		if !isLimit {
			fmt.Println(runtime.NumGoroutine())
			continue
		}
		var limit unix.Rlimit
		fmt.Sscan(n, &limit.Cur)
		limit.Max = limit.Cur
		if err := unix.Setrlimit(unix.RLIMIT_NPROC, &limit); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println(threads.CanStart(3))
		}
	}
}

// TestCanStart asks in a process to which the kernel gives no more threads, and
// in one to which it does. That a ring at the limit is survived can't be
// asserted: the runtime may want a thread for any system call that takes long,
// and ends the process if it gets none.
func TestCanStart(t *testing.T) {
	lazytest.SkipEmulated(t, "it makes processes of such threads")
	// The limit is for all processes of a user, so nothing else may have it.
	as := lazytest.AsUser(t, 1_000_000+os.Getpid())
	exe, path := lazytest.CopyExe(t, "limited"), filepath.Join(lazytest.PublicDir(t), "s")
	for more, want := range map[int]string{0: "false", 2: "false", 100: "true"} {
		p := lazytest.Launch(t, "limited", lazytest.Wrap(lazytest.Command(exe, path), as...)).Ready()
		p.Path = path
		if got := p.Ask(fmt.Sprintf("nproc %d", p.Footprint().Threads+more)); got != want {
			t.Errorf("with room for %d more threads: %s", more, got)
		}
		if more == 100 {
			lazytest.Wants(t, p.Script("version\n"), "go1.")
		}
	}
}
