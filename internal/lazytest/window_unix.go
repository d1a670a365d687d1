//go:build linux || darwin || freebsd

package lazytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A Window is a terminal, 120 columns by 40 lines, in which a command runs:
// one of tmux's, with a server and a configuration to itself.
type Window struct {
	Dir string // the command's home directory

	t testing.TB
}

// StartWindow runs a command in a window. env has words such as "PS1=$ ". The
// window goes with the test.
func StartWindow(t testing.TB, env []string, command ...string) *Window {
	t.Helper()
	Tool(t, "tmux")
	w := &Window{PublicDir(t), t}
	t.Cleanup(func() { w.tmux("kill-server") })
	home := []string{"env", "HOME=" + w.Dir, "XDG_CONFIG_HOME=" + w.Dir, "XDG_DATA_HOME=" + w.Dir, "XDG_STATE_HOME=" + w.Dir}
	options := []string{"-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40"}
	w.Tmux(slices.Concat(options, home, env, command)...)
	return w
}

func (w *Window) tmux(args ...string) ([]byte, error) {
	return exec.Command("tmux", append([]string{"-S", filepath.Join(w.Dir, "tmux")}, args...)...).CombinedOutput()
}

// Tmux has the window's server run a command of tmux(1), and returns its output.
func (w *Window) Tmux(args ...string) string {
	w.t.Helper()
	out, err := w.tmux(args...)
	if err != nil {
		w.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// Type presses keys; each is text or the name that tmux has for a key, such as
// Enter or C-c.
func (w *Window) Type(keys ...string) {
	w.t.Helper()
	for _, k := range keys {
		w.Tmux("send-keys", k)
	}
}

// Enter types a line, literally, and presses Enter.
func (w *Window) Enter(line string) {
	w.t.Helper()
	w.Tmux("send-keys", "-l", line)
	w.Tmux("send-keys", "Enter")
}

// Screen returns what the window shows, "" once the command has ended.
func (w *Window) Screen() string {
	out, _ := w.tmux("capture-pane", "-p")
	return string(out)
}

// Shows waits until the window shows the text.
func (w *Window) Shows(text string) {
	w.t.Helper()
	var now string
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("the screen, when %q was waited for:\n%s", text, now)
		}
	})
	Eventually(w.t, "the screen shows "+text, func() bool {
		now = w.Screen()
		return strings.Contains(now, text)
	})
}

// Record has all that the command prints from now on, escape sequences
// included, appended to a file, and returns its path.
func (w *Window) Record() string {
	w.t.Helper()
	file := filepath.Join(w.Dir, "record")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.Tmux("pipe-pane", "cat >>"+file)
	return file
}
