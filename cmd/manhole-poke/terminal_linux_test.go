package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
)

// playOdd is an armed program whose own commands are not what one would wish
// for at a terminal.
func playOdd(role, path string) {
	handle := func(name string, run func(ctx context.Context, w io.Writer) error) {
		lazy.Handle(name, "for the tests", func(ctx context.Context, w io.Writer, _ []string) error { return run(ctx, w) })
	}
	handle("sequences", func(_ context.Context, w io.Writer) error {
		io.WriteString(w, "\x1b]0;owned\a\x1b[2J\x1b[31mred \u009b31m \x9b31m back\b\b\rover\ttab \u202etxt.exe\r\nend\n")
		return errors.New("\x1b[2Jgone")
	})
	handle("unended", func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "no end of line")
		return err
	})
	handle("block", func(ctx context.Context, w io.Writer) error {
		fmt.Fprintln(w, "blocking")
		<-ctx.Done()
		return context.Cause(ctx)
	})
	handle("flood", func(ctx context.Context, w io.Writer) error {
		for n := 0; ctx.Err() == nil; n++ {
			if _, err := fmt.Fprintf(w, "line %d of many, many more than anybody wants to see\n", n); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	})
	handle("long", func(_ context.Context, w io.Writer) error {
		for n := range 500 {
			fmt.Fprintf(w, "line %d\n", n)
		}
		return nil
	})
	handle("deaf", func(_ context.Context, w io.Writer) error {
		fmt.Fprintln(w, "ignoring everything")
		select {}
	})
	handle("utf8", func(_ context.Context, w io.Writer) error {
		for _, b := range []byte("größe 日本語 ok\n") { // in bytes
			w.Write([]byte{b})
		}
		return nil
	})
	options := []lazy.Option{lazy.WithPath(path), lazy.WithLogger(slog.New(slog.DiscardHandler))}
	if role == "odd and silent" {
		options = append(options, lazy.WithIdle(2*time.Second))
	}
	if err := lazy.Arm(options...); err != nil {
		panic(err)
	}
	if role == "odd and saturated" {
		for range 100 {
			go func() {
				for n := 0; ; n++ {
				}
			}()
		}
	}
	fmt.Println("ready")
	select {}
}

// A pokeWindow is a window of tmux's in which a shell has started
// manhole-poke.
type pokeWindow struct {
	*window
	dir string // of the shell
}

// startConsole begins a session at a terminal and waits for the prompt.
func startConsole(t *testing.T, g *target, env ...string) *pokeWindow {
	t.Helper()
	w := &pokeWindow{dir: t.TempDir()}
	shell := append([]string{"PS1=$ ", "PATH=" + filepath.Dir(pokeBinary) + ":" + os.Getenv("PATH")}, env...)
	w.window = startWindow(t, shell, "sh", "-c", "cd '"+w.dir+"' && exec bash --norc -i")
	w.poke(t, g)
	return w
}

func (w *pokeWindow) poke(t *testing.T, g *target, flags ...string) {
	t.Helper()
	w.types(t, "clear", "Enter", "manhole-poke "+strings.Join(append(flags, g.pid), " ")+"; echo \"status=$?\"", "Enter")
	w.settles(t, prompt)
}

// line types a command and returns what was shown between it and the prompt.
func (w *pokeWindow) line(t *testing.T, keys ...string) string {
	t.Helper()
	w.clear(t)
	w.types(t, append(keys, "Enter")...)
	return w.settles(t, prompt)
}

// clear leaves nothing but the prompt.
func (w *pokeWindow) clear(t *testing.T) {
	t.Helper()
	w.types(t, "C-l")
	until(t, "the window is clear", func() bool {
		text, err := w.tmux("capture-pane", "-p")
		return err == nil && strings.TrimSpace(text) == strings.TrimSpace(prompt)
	})
	if out, err := w.tmux("clear-history"); err != nil {
		t.Fatal(out, err)
	}
}

// now is what the window shows, without the blank lines at its end.
func (w *pokeWindow) now(t *testing.T) string {
	t.Helper()
	text, err := w.tmux("capture-pane", "-p", "-S", "-")
	if err != nil {
		t.Fatal(text, err)
	}
	return strings.TrimRight(text, " \n")
}

// settles waits for the last line to be this, after the first, and returns
// what is between.
func (w *pokeWindow) settles(t *testing.T, last string) string {
	t.Helper()
	var lines []string
	until(t, "the last line is "+last, func() bool {
		lines = strings.Split(w.now(t), "\n")
		return len(lines) > 1 && lines[len(lines)-1] == strings.TrimSpace(last)
	})
	return strings.Join(lines[1:len(lines)-1], "\n")
}

// leaves ends the session and expects the exit status, and a terminal as it
// was.
func (w *pokeWindow) leaves(t *testing.T, st status, keys ...string) {
	t.Helper()
	w.types(t, keys...)
	w.shows(t, fmt.Sprintf("status=%d\n$", st))
	w.types(t, "echo tty=$(stty -a | grep -c 'isig icanon .*echo echoe')", "Enter")
	w.shows(t, "\ntty=1\n$")
}

func contains(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q lacks %q", text, word)
		}
	}
}

func TestConsole(t *testing.T) {
	w := startConsole(t, start(t, "odd"))
	contains(t, w.line(t, "stats"), "goroutines: ")
	contains(t, w.line(t, "nosuch"), "lazy: error: nosuch: no such command")
	contains(t, w.line(t, "help"), "What is it doing?", "At this terminal", "stack | less")
	contains(t, w.line(t, "'"), "lazy: error: line: a quote is opened")
	if got := w.line(t, "   "); got != "" {
		t.Errorf("a blank line: %q", got)
	}
	w.clear(t)
	w.types(t, "never mind", "C-c")
	if got := w.settles(t, prompt); got != "" {
		t.Errorf("after Ctrl-C at the prompt: %q", got)
	}
	w.leaves(t, statusOK, "C-d")

	// A person's slips are no failure, and quit is as good as Ctrl-D.
	g := start(t, "odd")
	w.poke(t, g)
	w.line(t, "nosuch")
	w.leaves(t, statusOK, "quit", "Enter")
	w.poke(t, g)
	w.leaves(t, statusOK, "exit", "Enter")
}

func TestConsoleEditing(t *testing.T) {
	w := startConsole(t, start(t, "odd"))
	contains(t, w.line(t, "tats", "C-a", "s", "C-e", "x", "BSpace"), "goroutines: ")
	contains(t, w.line(t, "stat", "Tab"), "goroutines: ")
	w.clear(t)
	w.types(t, "st", "Tab", "Tab")
	w.shows(t, "stack stats\n"+prompt+"sta")
	w.types(t, "C-u")
	w.clear(t)
	contains(t, w.line(t, "version"), "go")
	contains(t, w.line(t, "Up", "Up"), "goroutines: ")
	w.clear(t)
	w.types(t, "C-r", "vers")
	w.shows(t, "`vers': version")
	w.types(t, "C-c")
	w.settles(t, prompt)
	contains(t, w.line(t, "größe 日本", "Left", "BSpace", "x"), "gr\\u00f6\\u00dfe")

	// As wide as it is, the line is seen, and edited, after each change.
	w.clear(t)
	w.types(t, "nosuch "+strings.Repeat("0123456789", 15))
	for _, width := range []string{"60", "31", "120"} {
		if out, err := w.tmux("resize-window", "-x", width); err != nil {
			t.Fatal(out, err)
		}
		w.types(t, "x")
		until(t, "the line is whole", func() bool {
			return strings.Contains(strings.ReplaceAll(w.now(t), "\n", ""), "89x")
		})
		w.types(t, "BSpace")
	}
	w.types(t, "Enter")
	w.shows(t, "lazy: error: nosuch: no such command")
}

func TestConsolePasted(t *testing.T) {
	w := startConsole(t, start(t, "odd"))
	paste := func(text string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "text")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"load-buffer", file}, {"paste-buffer"}} {
			if out, err := w.tmux(args...); err != nil {
				t.Fatal(out, err)
			}
		}
	}
	w.clear(t)
	paste("stats\nutf8\nwatch 0.01 2\nunended\n")
	w.shows(t, "no end of line\nlazy>")
	contains(t, w.now(t), "lazy> stats\ngoroutines: ", "lazy> utf8\ngröße 日本語 ok\n", "lazy> watch 0.01 2\n", "CPU\n", "lazy> unended\n")

	w.clear(t)
	paste("nosuch " + strings.Repeat("x", 20000) + "\n")
	w.shows(t, "lazy: error: line: longer than 4096 bytes")

	w.clear(t)
	// NUL, escape sequences that there are not, bytes that are no UTF-8, and
	// other keys that nothing is known of.
	for _, hex := range []string{"00", "01", "1b", "5b", "39", "39", "7e", "1c", "1f", "1b", "4f", "7a", "15", "73", "74", "61", "74", "73", "00", "0d"} {
		if out, err := w.tmux("send-keys", "-H", hex); err != nil {
			t.Fatal(out, err)
		}
	}
	w.shows(t, "goroutines: ")
	if out, err := w.tmux("send-keys", "-H", "ff", "fe", "9b", "0d"); err != nil {
		t.Fatal(out, err)
	}
	w.shows(t, "no such command")
	contains(t, w.line(t, "version"), "go")
}

func TestConsoleHistory(t *testing.T) {
	g := start(t, "odd")
	w := startConsole(t, g)
	w.line(t, "version")
	w.line(t, " stats") // with a blank: not for the history
	other := startConsole(t, start(t, "odd"), "XDG_STATE_HOME="+w.dir)
	other.line(t, "utf8")
	other.leaves(t, statusOK, "C-d")
	w.leaves(t, statusOK, "C-d")
	w.poke(t, g)
	contains(t, w.line(t, "Up"), "go")
	w.leaves(t, statusOK, "C-d")
	if text, err := os.ReadFile(filepath.Join(w.dir, "manhole-poke", "history")); err != nil || string(text) != "utf8\n" {
		t.Errorf("%q %v", text, err)
	}

	// Where nothing can be written nothing is kept, and that is all.
	w = startConsole(t, g, "XDG_STATE_HOME=/dev/null/x")
	w.line(t, "version")
	contains(t, w.line(t, "Up"), "go")
	w.leaves(t, statusOK, "C-d")
}

func TestConsoleInterrupt(t *testing.T) {
	w := startConsole(t, start(t, "odd"))
	for _, command := range []string{"block", "flood", "watch 0.01", "pprof-cpu 1h > file", "trace 1h > file"} {
		w.clear(t)
		w.types(t, command, "Enter")
		w.running(t, command)
		w.types(t, "C-c")
		got := w.settles(t, prompt)
		name, _, _ := strings.Cut(command, " ")
		if want := "lazy: error: " + name + ": interrupted"; strings.Contains(got, want) == (name == "watch") {
			t.Errorf("%s: %q", command, got)
		}
		if _, err := os.Lstat(filepath.Join(w.dir, "file")); err == nil {
			t.Errorf("%s: half a file is left", command)
		}
		contains(t, w.line(t, "version"), "go") // what is answered is this line
	}
	// The process abandons the command after two seconds.
	w.clear(t)
	w.types(t, "deaf", "Enter")
	w.shows(t, "ignoring everything")
	w.types(t, "C-c")
	contains(t, w.settles(t, prompt), "lazy: error: deaf: ")
	w.leaves(t, statusOK, "C-d")
}

// running waits for a command to show that it runs.
func (w *pokeWindow) running(t *testing.T, command string) {
	t.Helper()
	words := map[string]string{"block": "blocking", "flood": "many more", "watch": "CPU\n", "pprof-cpu": "s left", "trace": "s left"}
	name, _, _ := strings.Cut(command, " ")
	w.shows(t, words[name])
}

func TestConsoleLeftImpatiently(t *testing.T) {
	w := startConsole(t, start(t, "odd"))
	w.types(t, "deaf", "Enter")
	w.shows(t, "ignoring everything")
	w.types(t, "C-c", "C-c")
	w.shows(t, "left while deaf ran")
	w.leaves(t, statusInterrupted+status(syscall.SIGINT))
}

func TestConsoleEnter(t *testing.T) {
	g := start(t, "odd")
	w := startConsole(t, g)
	for _, command := range []string{"watch 0.01", "trace 1h > trace.out", "pprof-cpu 1h > cpu.pprof"} {
		w.clear(t)
		w.types(t, command, "Enter")
		w.running(t, command)
		w.types(t, "Enter", "Enter")
		w.settles(t, prompt)
		contains(t, w.line(t, "version"), "go")
	}
	for _, file := range []string{"trace.out", "cpu.pprof"} {
		if info, err := os.Stat(filepath.Join(w.dir, file)); err != nil || info.Mode() != 0o600 || info.Size() == 0 {
			t.Errorf("%+v %v", info, err)
		}
	}
	// To what does not wait for it, it is nothing; and what is typed meanwhile
	// is for the next prompt.
	w.clear(t)
	w.types(t, "block", "Enter")
	w.shows(t, "blocking")
	w.types(t, "Enter", "C-c")
	contains(t, w.settles(t, prompt), "lazy: error: block: interrupted")
	w.clear(t)
	w.types(t, "watch 0.01", "Enter")
	w.running(t, "watch")
	w.types(t, "version", "Enter", "Enter")
	w.shows(t, "lazy> version\ngo")
}

func TestConsoleRedirected(t *testing.T) {
	w := startConsole(t, start(t, "odd"))
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(w.dir, name))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	contains(t, w.line(t, "pprof-cpu 1s"), "binary, not for a terminal", "pprof-cpu 1s > cpu.pprof")
	contains(t, w.line(t, "binary"), "binary, not for a terminal", "binary > binary.out")
	contains(t, w.line(t, "pprof"), "goroutine ")
	contains(t, w.line(t, "pprof-heap -top"), "inuse_space")
	contains(t, w.line(t, "pprof-heap > heap"), "wrote heap, ", "go tool pprof heap")
	if text := read("heap"); !strings.HasPrefix(text, "\x1f\x8b") {
		t.Errorf("%.20q", text)
	}
	contains(t, w.line(t, "sequences > raw"), "lazy: error: sequences: ")
	if _, err := os.Lstat(filepath.Join(w.dir, "raw")); err == nil {
		t.Error("the answer of a command that failed is kept")
	}
	w.line(t, "utf8 > text")
	w.line(t, "stats > text")
	if text := read("text"); text != "größe 日本語 ok\n" {
		t.Errorf("%q", text)
	}
	w.line(t, "version >! text")
	contains(t, read("text"), "go")
	contains(t, w.line(t, "stats > "), "no file stands behind the >")
	contains(t, w.line(t, "flood > /dev/full"), "manhole-poke: cannot write /dev/full: ", "no space left")
	contains(t, w.line(t, "version"), "go")

	// Nobody reads the pipe, and then somebody does.
	if err := syscall.Mkfifo(filepath.Join(w.dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.clear(t)
	w.types(t, "version > pipe", "Enter")
	w.types(t, "C-c")
	contains(t, w.settles(t, prompt), "manhole-poke: given up")
	w.clear(t)
	w.types(t, "utf8 > pipe", "Enter")
	if text := read("pipe"); text != "größe 日本語 ok\n" {
		t.Errorf("%q", text)
	}
	contains(t, w.settles(t, prompt), "manhole-poke: wrote pipe, ")
	contains(t, w.line(t, "version"), "go")

	contains(t, w.line(t, "long | tail -n 2"), "line 498\nline 499")
	contains(t, w.line(t, "sequences | od -c | head -n 1"), `033   ]   0   ;   o   w   n   e   d  \a`)
	contains(t, w.line(t, "flood | head -n 1"), "line 0 of many")
	contains(t, w.line(t, "version"), "go")
	contains(t, w.line(t, "flood | nosuchprogram"), "not found")
	w.clear(t)
	w.types(t, "flood | less", "Enter")
	w.shows(t, "line 20 of many")
	w.types(t, "q")
	w.settles(t, prompt)
	contains(t, w.line(t, "version"), "go")
	w.leaves(t, statusOK, "C-d")
}

func TestConsolePager(t *testing.T) {
	g := start(t, "odd")
	w := startConsole(t, g)
	w.leaves(t, statusOK, "C-d")
	w.types(t, "export PAGER='cat -A; echo paged'", "Enter")
	w.poke(t, g, "--pager")
	contains(t, w.line(t, "long"), "line 499$\npaged")
	if got := w.line(t, "sequences"); strings.Contains(got, "paged") {
		t.Errorf("what is short: %q", got)
	}
	contains(t, w.line(t, "watch 0.01 100"), "CPU\n")
	w.leaves(t, statusOK, "C-d")
}

// No pager gets what could drive the terminal, be it the process's or ours: not
// every one shows it.
func TestPagerGetsText(t *testing.T) {
	g, other := start(t, "odd"), start(t, "odd")
	w := startConsole(t, g)
	w.leaves(t, statusOK, "C-d")
	w.types(t, "export PAGER='od -An -c | grep -c 033; echo pa''ged'; stty rows 2", "Enter")
	for i, args := range []string{g.pid + " sequences", g.pid + " " + other.pid + " sequences", g.pid + " stack"} {
		// What is typed must not look like what is waited for.
		w.types(t, fmt.Sprintf("clear; manhole-poke --pager %s; echo over=$((40+%d))", args, i), "Enter")
		w.shows(t, fmt.Sprintf("over=4%d\n$", i))
		contains(t, w.now(t), "0\npaged\n")
	}
	w.poke(t, g, "--pager")
	for _, line := range []string{"sequences", "stack"} {
		contains(t, w.line(t, line), "0\npaged")
	}
	w.leaves(t, statusOK, "C-d")
}

// What the process says must not drive the terminal.
func TestConsoleShowsSequences(t *testing.T) {
	w := startConsole(t, start(t, "odd"))
	contains(t, w.line(t, "sequences"),
		`^[]0;owned^G^[[2J^[[31mred \u009b31m \x9b31m back^H^H^Mover`, `tab \u202etxt.exe`+"\nend\n", "lazy: error: sequences: \ufffd[2Jgone")
	if title, err := w.tmux("display-message", "-p", "#{pane_title}"); err != nil || strings.Contains(title, "owned") {
		t.Errorf("the title is %q, %v", title, err)
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestConsoleColours(t *testing.T) {
	g := start(t, "odd")
	for _, env := range []string{"NO_COLOR=", "NO_COLOR=1", "TERM=dumb"} {
		w := startConsole(t, g, env)
		if env != "TERM=dumb" {
			w.clear(t)
		}
		w.types(t, "stack -n 1", "Enter")
		w.shows(t, "left out")
		w.types(t, "nosuch", "Enter")
		w.shows(t, "no such command")
		text, err := w.tmux("capture-pane", "-p", "-e")
		if err != nil {
			t.Fatal(err)
		}
		coloured := sgr.MatchString(strings.ReplaceAll(strings.ReplaceAll(text, "\x1b[0m", ""), "\x1b[39m\x1b[49m", ""))
		if coloured != (env == "NO_COLOR=") {
			t.Errorf("%s: %q", env, text)
		}
		w.leaves(t, statusOK, "C-d")
	}
}

// With a terminal that can nothing, lines are edited by its driver.
func TestConsoleDumb(t *testing.T) {
	w := startConsole(t, start(t, "odd"), "TERM=dumb")
	w.types(t, "versiom", "BSpace", "n", "Enter")
	contains(t, w.settles(t, prompt), "\ngo")
	w.types(t, "half", "C-c")
	w.shows(t, "lazy> half^C\nlazy>")
	w.types(t, "block", "Enter")
	w.shows(t, "blocking")
	w.types(t, "C-c")
	w.shows(t, "lazy: error: block: interrupted\nlazy>")
	w.types(t, "watch 0.01", "Enter")
	w.running(t, "watch")
	w.types(t, "Enter")
	w.types(t, "utf8", "Enter")
	w.shows(t, "größe 日本語 ok\nlazy>")
	w.leaves(t, statusOK, "C-d")
}

// A terminal of no width, as a serial line or a container's may be.
func TestConsoleWithoutWidth(t *testing.T) {
	s, wait := atTerminal(t, start(t, "odd").pid)
	s.until(t, prompt)
	s.typed(t, "stats\n")
	s.until(t, "goroutines")
	s.until(t, prompt)
	s.typed(t, "nosuch\n")
	s.until(t, "lazy: error: nosuch")
	s.until(t, prompt)
	s.typed(t, "half a line\x03")
	s.until(t, prompt)
	s.typed(t, "\x04")
	if st := wait(); st != statusOK {
		t.Errorf("exit status %d", st)
	}
}

func TestConsoleStopped(t *testing.T) {
	w := startConsole(t, start(t, "odd"))
	w.clear(t)
	w.types(t, "vers", "C-z")
	w.shows(t, "Stopped")
	w.types(t, "echo tty=$(stty -a | grep -c 'isig icanon .*echo echoe')", "Enter")
	w.shows(t, "\ntty=1\n$")
	w.types(t, "clear; fg", "Enter")
	w.shows(t, prompt+"vers")
	w.types(t, "ion", "Enter")
	w.shows(t, "\ngo")
	w.clear(t)
	w.types(t, "block", "Enter")
	w.shows(t, "blocking")
	w.types(t, "C-z")
	w.shows(t, "Stopped")
	poke := w.child(t)
	w.types(t, "clear; fg", "Enter")
	until(t, "it goes on", func() bool { return stateOf(t, poke) != 'T' })
	w.types(t, "C-c")
	w.shows(t, "lazy: error: block: interrupted")
	// And by another process, with the terminal in raw mode.
	w.clear(t)
	syscall.Kill(mustAtoi(t, poke), syscall.SIGSTOP)
	w.shows(t, "Stopped")
	w.types(t, "clear; fg", "Enter")
	w.settles(t, prompt)
	w.types(t, "versi", "C-c")
	w.settles(t, prompt)
	contains(t, w.line(t, "version"), "go")
}

// child is the manhole-poke in the window.
func (w *pokeWindow) child(t *testing.T) (pid string) {
	t.Helper()
	shell, err := w.tmux("display-message", "-p", "#{pane_pid}")
	if err != nil {
		t.Fatal(shell, err)
	}
	shell = strings.TrimSpace(shell)
	children, err := os.ReadFile("/proc/" + shell + "/task/" + shell + "/children") // proc(5)
	if err != nil {
		t.Skip(err)
	}
	return strings.TrimSpace(string(children))
}

// Whatever ends the session, somebody at the prompt is told at once, and has
// the terminal back.
func TestConsoleEnded(t *testing.T) {
	for _, end := range []struct {
		name   string
		status status
		says   string
		how    func(t *testing.T, w *pokeWindow, g *target)
	}{
		{"the process exits", statusExited, "exited during the session", func(t *testing.T, _ *pokeWindow, g *target) { g.cmd.Process.Kill() }},
		{"SIGTERM", statusInterrupted + status(syscall.SIGTERM), "left on SIGTERM", func(t *testing.T, w *pokeWindow, _ *target) { syscall.Kill(mustAtoi(t, w.child(t)), syscall.SIGTERM) }},
		{"SIGHUP", statusInterrupted + status(syscall.SIGHUP), "left on SIGHUP", func(t *testing.T, w *pokeWindow, _ *target) { syscall.Kill(mustAtoi(t, w.child(t)), syscall.SIGHUP) }},
		{"SIGABRT", 2, "SIGABRT", func(t *testing.T, w *pokeWindow, _ *target) { syscall.Kill(mustAtoi(t, w.child(t)), syscall.SIGABRT) }},
		{"SIGQUIT", 2, "SIGQUIT", func(t *testing.T, w *pokeWindow, _ *target) { syscall.Kill(mustAtoi(t, w.child(t)), syscall.SIGQUIT) }},
	} {
		t.Run(end.name, func(t *testing.T) {
			g := start(t, "odd")
			w := startConsole(t, g)
			w.clear(t)
			w.types(t, "half a li")
			w.shows(t, prompt+"half a li")
			end.how(t, w, g)
			if end.status != 2 { // whose dump is longer than the window
				w.shows(t, "manhole-poke: ")
				w.shows(t, end.says)
			}
			w.leaves(t, end.status)
		})
	}
}

func TestConsoleIdle(t *testing.T) {
	w := startConsole(t, start(t, "odd and silent"))
	w.shows(t, "ended the session: nothing said for too long; poke it again")
	w.leaves(t, statusBroken)
}

func TestConsoleHangup(t *testing.T) {
	g := start(t, "odd")
	w := startConsole(t, g)
	w.types(t, "block", "Enter")
	w.shows(t, "blocking")
	w.tmux("kill-server")
	// The session is over, and the process can be poked again.
	until(t, "it can be poked again", func() bool {
		return pokeWith(t, "version\n", g.pid).status == statusOK
	})
}

func TestConsoleSaturated(t *testing.T) {
	w := startConsole(t, start(t, "odd and saturated"))
	contains(t, w.line(t, "stats"), "goroutines: 10")
	w.clear(t)
	w.types(t, "watch 0.05", "Enter")
	w.running(t, "watch")
	w.types(t, "Enter")
	w.settles(t, prompt)
	w.clear(t)
	w.types(t, "stack", "Enter", "C-c") // perhaps before the process reads the line
	w.settles(t, prompt)
	contains(t, w.line(t, "version"), "go")
	w.clear(t)
	w.types(t, "gc", "Enter")
	w.types(t, "C-c")
	w.settles(t, prompt)
	contains(t, w.line(t, "version"), "go")
	w.leaves(t, statusOK, "C-d")
}

func TestTerminalSilent(t *testing.T) {
	g := start(t, "silent")
	s, wait := atTerminal(t, "-t", "200ms", g.pid)
	if st := wait(); st != statusTimeout {
		t.Errorf("exit status %d", st)
	}
	s.until(t, "said nothing within 200ms")
}

// Before there is a session, Ctrl-C leaves.
func TestTerminalLeftEarly(t *testing.T) {
	g := start(t, "silent")
	s, wait := atTerminal(t, g.pid)
	g.expect(t, "rung")
	s.typed(t, "\x03")
	if st := wait(); st != statusInterrupted+status(syscall.SIGINT) {
		t.Errorf("exit status %d", st)
	}
	s.until(t, "manhole-poke: left on SIGINT")
}
