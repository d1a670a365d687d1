//go:build amd64 || arm64

package lazy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestRoomForThreads asks in a process to which the kernel gives no threads any
// more, and in one to which it does. That a ring at the limit is survived can't
// be asserted: the runtime may want a thread for any system call that takes
// long, and ends the process if it gets none.
func TestRoomForThreads(t *testing.T) {
	needRoot(t)
	if os.Getenv(emulatorEnv) != "" {
		t.Skip("the emulator makes processes of such threads")
	}
	setpriv := tool(t, "setpriv")
	dir, err := os.MkdirTemp("/tmp", "lazy-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o777)
	exe := copyTarget(t, dir)
	// The limit is for all processes of a user, so nobody else may have it.
	uid := fmt.Sprint(1_000_000 + os.Getpid())
	for more, want := range map[int]string{0: "false", 2: "false", 100: "true"} {
		as := []string{setpriv, "--reuid", uid, "--regid", uid, "--clear-groups"}
		tg, first := launchCopy(t, exe, as, "-path", filepath.Join(dir, "s"), "-early")
		if first != "ready" {
			t.Fatal(first)
		}
		threads := tg.footprint().Threads
		if got := tg.ask(fmt.Sprintf("nproc %d", threads+more)); got != want {
			t.Errorf("with room for %d more threads: %s", more, got)
		}
		if more == 100 {
			wants(t, tg.script("version\n"), "go1.")
		}
	}
}
