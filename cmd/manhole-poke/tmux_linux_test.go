package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A window is a terminal of tmux's.
type window struct{ server string }

// startWindow runs the command in one, with a home of its own.
func startWindow(t *testing.T, env []string, command ...string) *window {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip(err)
	}
	dir, err := os.MkdirTemp("", "tmux") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	w := &window{filepath.Join(dir, "s")}
	t.Cleanup(func() {
		w.tmux("kill-server")
		os.RemoveAll(dir)
	})
	home := []string{"env", "HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_STATE_HOME=" + dir}
	options := []string{"-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40"}
	if out, err := w.tmux(slices.Concat(options, home, env, command)...); err != nil {
		t.Fatalf("tmux: %v: %s", err, out)
	}
	return w
}

func (w *window) tmux(args ...string) (string, error) {
	return runTool("tmux", append([]string{"-S", w.server}, args...)...)
}

func (w *window) types(t *testing.T, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if out, err := w.tmux("send-keys", k); err != nil {
			t.Fatalf("tmux: %v: %s", err, out)
		}
	}
}

func (w *window) shows(t *testing.T, text string) {
	t.Helper()
	var now string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen, when %q was waited for:\n%s", text, now)
		}
	})
	until(t, "the screen shows "+text, func() bool {
		now, _ = w.tmux("capture-pane", "-p")
		return strings.Contains(now, text)
	})
}
