package terminal

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

func TestConsoleInterrupt(t *testing.T) {
	w := startConsole(t, startOdd(t))
	for _, command := range []string{"block", "flood", "watch 0.01", "pprof-cpu 1h > file", "trace 1h > file"} {
		w.clear()
		w.Type(command, "Enter")
		w.running(command)
		w.Type("C-c")
		got := w.settles(prompt)
		name, _, _ := strings.Cut(command, " ")
		if want := "lazy: error: " + name + ": interrupted"; strings.Contains(got, want) == (name == "watch") {
			t.Errorf("%s: %q", command, got)
		}
		if _, err := os.Lstat(filepath.Join(w.dir, "file")); err == nil {
			t.Errorf("%s: half a file is left", command)
		}
		lazytest.Wants(t, w.line("version"), "go") // the answer is to this line
	}
	// The process abandons the command after two seconds.
	w.clear()
	w.Type("deaf", "Enter")
	w.Shows("ignoring everything")
	w.Type("C-c")
	lazytest.Wants(t, w.settles(prompt), "lazy: error: deaf: ")
	w.leaves(exit.OK, "C-d")
}

func TestConsoleLeftImpatiently(t *testing.T) {
	w := startConsole(t, startOdd(t))
	// On a very busy machine a second may pass between two Ctrl-C, and then two
	// until the process abandons the command.
	for left := false; !left; {
		w.clear()
		w.Type("deaf", "Enter")
		w.Shows("ignoring everything")
		w.Type("C-c")
		w.Shows("^C")
		// The second must not come while the first is pending, signal(7): the
		// client moves the cursor when it has got it.
		lazytest.Eventually(t, "Ctrl-C has arrived", func() bool {
			return strings.TrimSpace(w.Tmux("display-message", "-p", "#{cursor_x}")) != "2"
		})
		w.Type("C-c")
		lazytest.Eventually(t, "it left, or the command was abandoned", func() bool {
			text := w.now()
			left = strings.Contains(text, "left while deaf ran")
			return left || strings.HasSuffix(text, "\n"+strings.TrimSpace(prompt))
		})
	}
	w.leaves(exit.Signalled + exit.Status(syscall.SIGINT))
}

func TestConsoleEnter(t *testing.T) {
	g := startOdd(t)
	w := startConsole(t, g)
	for _, command := range []string{"watch 0.01", "trace 1h > trace.out", "pprof-cpu 1h > cpu.pprof"} {
		w.clear()
		w.Type(command, "Enter")
		w.running(command)
		w.Type("Enter", "Enter")
		w.settles(prompt)
		lazytest.Wants(t, w.line("version"), "go")
	}
	for _, file := range []string{"trace.out", "cpu.pprof"} {
		if info, err := os.Stat(filepath.Join(w.dir, file)); err != nil || info.Mode() != 0o600 || info.Size() == 0 {
			t.Errorf("%+v %v", info, err)
		}
	}
	// Other commands ignore it. A line typed while a command runs is for the next
	// prompt.
	w.clear()
	w.Type("block", "Enter")
	w.Shows("blocking")
	w.Type("Enter", "C-c")
	lazytest.Wants(t, w.settles(prompt), "lazy: error: block: interrupted")
	w.clear()
	w.Type("watch 0.01", "Enter")
	w.running("watch")
	w.Type("version", "Enter", "Enter")
	w.Shows("lazy> version\ngo")
}

func TestConsoleStopped(t *testing.T) {
	w := startConsole(t, startOdd(t))
	w.clear()
	w.Type("vers", "C-z")
	w.Shows("Stopped")
	w.Type("echo tty=$(stty -a | grep -c 'isig icanon .*echo echoe')", "Enter")
	w.Shows("\ntty=1\n$")
	w.Type("clear; fg", "Enter")
	w.Shows(prompt + "vers")
	w.Type("ion", "Enter")
	w.Shows("\ngo")
	w.clear()
	w.Type("block", "Enter")
	w.Shows("blocking")
	w.Type("C-z")
	w.Shows("Stopped")
	poke := w.child()
	w.Type("clear; fg", "Enter")
	lazytest.Eventually(t, "it goes on", func() bool { return poketest.StateOf(t, strconv.Itoa(poke)) != 'T' })
	w.Type("C-c")
	w.Shows("lazy: error: block: interrupted")
	// Stopped by another process, with the terminal in raw mode.
	w.clear()
	syscall.Kill(poke, syscall.SIGSTOP)
	w.Shows("Stopped")
	w.Type("clear; fg", "Enter")
	w.settles(prompt)
	w.Type("versi")
	w.Shows(prompt + "versi")
	w.Type("C-c")
	w.Shows("^C\n" + strings.TrimSpace(prompt)) // now it is done with the key, or the signal
	lazytest.Wants(t, w.line("version"), "go")
}

// Whatever ends the session, the person at the prompt learns it at once, and the
// terminal is in its usual mode.
func TestConsoleEnded(t *testing.T) {
	for _, end := range []struct {
		name   string
		status exit.Status
		says   string
		how    func(t *testing.T, w *consoleWindow, g *lazytest.Process)
	}{
		{"the process exits", exit.Broken, "exited during the session", func(t *testing.T, _ *consoleWindow, g *lazytest.Process) { g.Kill() }},
		{"SIGTERM", exit.Signalled + exit.Status(syscall.SIGTERM), "left on SIGTERM", func(t *testing.T, w *consoleWindow, _ *lazytest.Process) { syscall.Kill(w.child(), syscall.SIGTERM) }},
		{"SIGHUP", exit.Signalled + exit.Status(syscall.SIGHUP), "left on SIGHUP", func(t *testing.T, w *consoleWindow, _ *lazytest.Process) { syscall.Kill(w.child(), syscall.SIGHUP) }},
		{"SIGABRT", 2, "SIGABRT", func(t *testing.T, w *consoleWindow, _ *lazytest.Process) { syscall.Kill(w.child(), syscall.SIGABRT) }},
		{"SIGQUIT", 2, "SIGQUIT", func(t *testing.T, w *consoleWindow, _ *lazytest.Process) { syscall.Kill(w.child(), syscall.SIGQUIT) }},
	} {
		t.Run(end.name, func(t *testing.T) {
			g := startOdd(t)
			w := startConsole(t, g)
			w.clear()
			w.Type("half a li")
			w.Shows(prompt + "half a li")
			end.how(t, w, g)
			if end.status != 2 { // whose dump is longer than the window
				w.Shows("manhole-poke: ")
				w.Shows(end.says)
			}
			w.leaves(end.status)
		})
	}
}

func TestConsoleIdle(t *testing.T) {
	w := startConsole(t, startOdd(t, "-idle", "2s"))
	w.Shows("ended the session: nothing said for too long")
	w.leaves(exit.Broken)
}

func TestConsoleHangup(t *testing.T) {
	g := startOdd(t)
	w := startConsole(t, g)
	w.Type("block", "Enter")
	w.Shows("blocking")
	w.Tmux("kill-server")
	// The session is over, and there can be another one.
	lazytest.Eventually(t, "there can be another session", func() bool {
		return poketest.Run(t, "version\n", strconv.Itoa(g.PID)).Status == exit.OK
	})
}

func TestConsoleSaturated(t *testing.T) {
	w := startConsole(t, startOdd(t, "-spin", "100"))
	lazytest.Wants(t, w.line("stats"), "goroutines: 10")
	w.clear()
	w.Type("watch 0.05", "Enter")
	w.running("watch")
	w.Type("Enter")
	w.settles(prompt)
	w.clear()
	w.Type("stack", "Enter", "C-c") // perhaps before the process has read the line
	w.settles(prompt)
	lazytest.Wants(t, w.line("version"), "go")
	w.clear()
	w.Type("gc", "Enter")
	w.Type("C-c")
	w.settles(prompt)
	lazytest.Wants(t, w.line("version"), "go")
	w.leaves(exit.OK, "C-d")
}

// running waits for a command to show that it runs.
func (w *consoleWindow) running(command string) {
	w.t.Helper()
	words := map[string]string{"block": "blocking", "flood": "many more", "watch": "CPU\n", "pprof-cpu": "s left", "trace": "s left"}
	name, _, _ := strings.Cut(command, " ")
	w.Shows(words[name])
}
