//go:build amd64 || arm64

package lazy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestRingWithoutThreads rings a process to which the kernel gives one more
// thread and no others, which the runtime may want for any system call that
// takes long. If it wants another it ends the process.
func TestRingWithoutThreads(t *testing.T) {
	needRoot(t)
	if os.Getenv(emulatorEnv) != "" {
		t.Skip("the emulator has threads of its own")
	}
	if idleGoroutines != 0 {
		t.Skip("os/signal wants threads of its own")
	}
	setpriv, env := tool(t, "setpriv"), tool(t, "env")
	dir, err := os.MkdirTemp("/tmp", "lazy-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o777)
	exe := copyTarget(t, dir)
	// The limit is for all processes of a user, so nobody else may have it.
	uid := fmt.Sprint(1_000_000 + os.Getpid())
	as := []string{setpriv, "--reuid", uid, "--regid", uid, "--clear-groups", env, "GOMAXPROCS=2"}
	tg, first := launchCopy(t, exe, as, "-path", filepath.Join(dir, "s"), "-early")
	if first != "ready" {
		t.Fatal(first)
	}
	limit := tg.footprint().Threads + 1
	if got := tg.ask(fmt.Sprintf("nproc %d", limit)); got != "<nil>" {
		t.Fatal(got)
	}
	for range 5 {
		wants(t, tg.script("version\nstats\n"), "go1.")
		tg.gone()
	}
	if threads := tg.footprint().Threads; threads > limit {
		t.Errorf("%d threads, of %d that may be", threads, limit)
	}
}
