package terminal

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// A consoleWindow is a window in which a shell starts manhole-poke.
type consoleWindow struct {
	*lazytest.Window
	t   *testing.T
	dir string // the shell's
}

// startConsole begins a session in a window and waits for the prompt.
func startConsole(t *testing.T, p *lazytest.Process, env ...string) *consoleWindow {
	t.Helper()
	dir := t.TempDir()
	env = append([]string{"PS1=$ ", "PATH=" + filepath.Dir(poketest.Binary(t)) + ":" + os.Getenv("PATH")}, env...)
	w := &consoleWindow{lazytest.StartWindow(t, env, "sh", "-c", "cd '"+dir+"' && exec bash --norc -i"), t, dir}
	w.poke(p)
	return w
}

// poke begins a session and waits for the prompt.
func (w *consoleWindow) poke(p *lazytest.Process, flags ...string) {
	w.t.Helper()
	words := append([]string{"manhole-poke"}, append(flags, strconv.Itoa(p.PID))...)
	w.Type("clear", "Enter", strings.Join(words, " ")+"; echo \"status=$?\"", "Enter")
	w.settles(prompt)
}

// line types a command and returns what was shown between it and the prompt.
func (w *consoleWindow) line(keys ...string) string {
	w.t.Helper()
	w.clear()
	w.Type(append(keys, "Enter")...)
	return w.settles(prompt)
}

// clear leaves nothing but the prompt.
func (w *consoleWindow) clear() {
	w.t.Helper()
	w.Type("C-l")
	var now string
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("the window, when it was to be clear:\n%s", strings.TrimSpace(now))
		}
	})
	lazytest.Eventually(w.t, "the window is clear", func() bool {
		now = w.Screen()
		return strings.TrimSpace(now) == strings.TrimSpace(prompt)
	})
	w.Tmux("clear-history")
}

// now returns what the window shows and has shown since it was cleared, without
// the blank lines at its end.
func (w *consoleWindow) now() string {
	w.t.Helper()
	return strings.TrimRight(w.Tmux("capture-pane", "-p", "-S", "-"), " \n")
}

// settles waits for the last line to be this, after the first, and returns
// what is between.
func (w *consoleWindow) settles(last string) string {
	w.t.Helper()
	var lines []string
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("the window, when its last line was to be %q:\n%s", last, strings.Join(lines, "\n"))
		}
	})
	lazytest.Eventually(w.t, "the last line is "+last, func() bool {
		lines = strings.Split(w.now(), "\n")
		return len(lines) > 1 && lines[len(lines)-1] == strings.TrimSpace(last)
	})
	return strings.Join(lines[1:len(lines)-1], "\n")
}

// leaves ends the session and expects the exit status, and the terminal in its
// usual mode.
func (w *consoleWindow) leaves(st exit.Status, keys ...string) {
	w.t.Helper()
	w.Type(keys...)
	w.Shows(fmt.Sprintf("status=%d\n$", st))
	w.Type("echo tty=$(stty -a | grep -c 'isig icanon .*echo echoe')", "Enter")
	w.Shows("\ntty=1\n$")
}

// child returns the manhole-poke in the window.
func (w *consoleWindow) child() (pid int) {
	w.t.Helper()
	shell := strings.TrimSpace(w.Tmux("display-message", "-p", "#{pane_pid}"))
	children, err := os.ReadFile("/proc/" + shell + "/task/" + shell + "/children") // proc(5)
	if err != nil {
		w.t.Skip(err)
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(children)))
	if err != nil {
		w.t.Fatal(err)
	}
	return pid
}
