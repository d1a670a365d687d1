package terminal

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/internal/lazytest"
)

func TestConsole(t *testing.T) {
	w := startConsole(t, startOdd(t))
	lazytest.Wants(t, w.line("stats"), "goroutines: ")
	lazytest.Wants(t, w.line("nosuch"), "lazy: error: nosuch: no such command")
	lazytest.Wants(t, w.line("help"), "What is it doing?", "At this terminal", "stack | less")
	lazytest.Wants(t, w.line("'"), "lazy: error: line: ")
	if got := w.line("   "); got != "" {
		t.Errorf("a blank line: %q", got)
	}
	w.clear()
	w.Type("never mind", "C-c")
	if got := w.settles(prompt); got != "" {
		t.Errorf("after Ctrl-C at the prompt: %q", got)
	}
	w.leaves(exit.OK, "C-d")

	// A person's mistakes are no failure; quit and exit end the session as well.
	g := startOdd(t)
	w.poke(g)
	w.line("nosuch")
	w.leaves(exit.OK, "quit", "Enter")
	w.poke(g)
	lazytest.Wants(t, w.line("? version"), "the Go version")
	w.leaves(exit.OK, "exit", "Enter")
}

// Ctrl-C twice within a second leaves the prompt, too. On a very busy machine
// more than a second may pass between two of them.
func TestConsoleLeftAtPrompt(t *testing.T) {
	w := startConsole(t, startOdd(t))
	w.Type("half a line")
	w.Shows(prompt + "half a line")
	for !strings.Contains(w.now(), "\n$") {
		w.Type("C-c", "C-c")
		lazytest.Eventually(t, "the keys have arrived", func() bool {
			text := strings.TrimRight(w.now(), " ")
			return strings.HasSuffix(text, strings.TrimSpace(prompt)) || strings.HasSuffix(text, "$")
		})
	}
	w.leaves(exit.OK)
}

func TestConsoleEditing(t *testing.T) {
	w := startConsole(t, startOdd(t))
	lazytest.Wants(t, w.line("tats", "C-a", "s", "C-e", "x", "BSpace"), "goroutines: ")
	lazytest.Wants(t, w.line("stat", "Tab"), "goroutines: ")
	w.clear()
	w.Type("st", "Tab", "Tab")
	w.Shows("stack stats\n" + prompt + "sta")
	w.Type("C-u")
	w.clear()
	lazytest.Wants(t, w.line("version"), "go")
	lazytest.Wants(t, w.line("Up", "Up"), "goroutines: ")
	w.clear()
	w.Type("C-r", "vers")
	w.Shows("`vers': version")
	w.Type("C-c")
	w.settles(prompt)
	lazytest.Wants(t, w.line("größe 日本", "Left", "BSpace", "x"), "gr\\u00f6\\u00dfe")

	// The line is shown and edited at any width.
	w.clear()
	w.Type("nosuch " + strings.Repeat("0123456789", 15))
	for _, width := range []string{"60", "31", "120"} {
		w.Tmux("resize-window", "-x", width)
		w.Type("x")
		lazytest.Eventually(t, "the line is whole", func() bool {
			return strings.Contains(strings.ReplaceAll(w.now(), "\n", ""), "89x")
		})
		w.Type("BSpace")
	}
	w.Type("Enter")
	w.Shows("lazy: error: nosuch: no such command")
}

func TestConsolePasted(t *testing.T) {
	w := startConsole(t, startOdd(t))
	paste := func(text string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "text")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"load-buffer", file}, {"paste-buffer"}} {
			w.Tmux(args...)
		}
	}
	w.clear()
	paste("stats\nutf8\nwatch 0.01 2\nunended\n")
	w.Shows("no end of line\nlazy>")
	lazytest.Wants(t, w.now(), "lazy> stats\ngoroutines: ", "lazy> utf8\ngröße 日本語 ok\n", "lazy> watch 0.01 2\n", "CPU\n", "lazy> unended\n")

	w.clear()
	paste("nosuch " + strings.Repeat("x", 20000) + "\n")
	w.Shows("lazy: error: the line is longer than 4096 bytes")

	w.clear()
	// NUL, escape sequences without a meaning, bytes that are not UTF-8, and
	// other unknown keys.
	for _, hex := range []string{"00", "01", "1b", "5b", "39", "39", "7e", "1c", "1f", "1b", "4f", "7a", "15", "73", "74", "61", "74", "73", "00", "0d"} {
		w.Tmux("send-keys", "-H", hex)
	}
	w.Shows("goroutines: ")
	w.Tmux("send-keys", "-H", "ff", "fe", "9b", "0d")
	w.Shows("no such command")
	lazytest.Wants(t, w.line("version"), "go")
}

func TestConsoleHistory(t *testing.T) {
	g := startOdd(t)
	w := startConsole(t, g)
	w.line("version")
	w.line(" stats") // not kept, because of the blank
	other := startConsole(t, startOdd(t), "XDG_STATE_HOME="+w.dir)
	other.line("utf8")
	other.leaves(exit.OK, "C-d")
	w.leaves(exit.OK, "C-d")
	w.poke(g)
	lazytest.Wants(t, w.line("Up"), "go")
	w.leaves(exit.OK, "C-d")
	if text, err := os.ReadFile(filepath.Join(w.dir, "manhole-poke", "history")); err != nil || string(text) != "utf8\n" {
		t.Errorf("%q %v", text, err)
	}

	// Where no file can be written, the history is that of the session.
	w = startConsole(t, g, "XDG_STATE_HOME=/dev/null/x")
	w.line("version")
	lazytest.Wants(t, w.line("Up"), "go")
	w.leaves(exit.OK, "C-d")
}

// An answer does not drive the terminal.
func TestConsoleShowsSequences(t *testing.T) {
	w := startConsole(t, startOdd(t))
	lazytest.Wants(t, w.line("sequences"),
		`^[]0;owned^G^[[2J^[[31mred \u009b31m \x9b31m back^H^H^Mover`, `tab \u202etxt.exe`+"\nend\n", "lazy: error: sequences: \ufffd[2Jgone")
	if title := w.Tmux("display-message", "-p", "#{pane_title}"); strings.Contains(title, "owned") {
		t.Errorf("the title is %q", title)
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestConsoleColours(t *testing.T) {
	g := startOdd(t)
	for _, env := range []string{"NO_COLOR=", "NO_COLOR=1", "TERM=dumb"} {
		w := startConsole(t, g, env)
		if env != "TERM=dumb" {
			w.clear()
		}
		w.Type("stack -n 1", "Enter")
		w.Shows("left out")
		w.Type("nosuch", "Enter")
		w.Shows("no such command")
		text := w.Tmux("capture-pane", "-p", "-e")
		coloured := sgr.MatchString(strings.ReplaceAll(strings.ReplaceAll(text, "\x1b[0m", ""), "\x1b[39m\x1b[49m", ""))
		if coloured != (env == "NO_COLOR=") {
			t.Errorf("%s: %q", env, text)
		}
		w.leaves(exit.OK, "C-d")
	}
}

// On a dumb terminal the driver edits lines.
func TestConsoleDumb(t *testing.T) {
	w := startConsole(t, startOdd(t), "TERM=dumb")
	w.Type("versiom", "BSpace", "n", "Enter")
	w.Shows("lazy> version\n" + runtime.Version() + "\nlazy>")
	w.Type("half")
	w.Shows("lazy> half") // the driver drops output at Ctrl-C, termios(3)
	w.Type("C-c")
	w.Shows("lazy> half^C\nlazy>")
	w.Type("block", "Enter")
	w.Shows("blocking")
	w.Type("C-c")
	w.Shows("lazy: error: block: interrupted\nlazy>")
	w.Type("watch 0.01", "Enter")
	w.running("watch")
	w.Type("Enter")
	w.Type("utf8", "Enter")
	w.Shows("größe 日本語 ok\nlazy>")
	w.leaves(exit.OK, "C-d")
}
