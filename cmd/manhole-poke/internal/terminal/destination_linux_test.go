package terminal

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/internal/lazytest"
)

func TestConsoleRedirected(t *testing.T) {
	w := startConsole(t, startOdd(t))
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(w.dir, name))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	lazytest.Wants(t, w.line("pprof-cpu 1s"), "binary, not for a terminal", "pprof-cpu 1s > cpu.pprof")
	lazytest.Wants(t, w.line("binary"), "binary, not for a terminal", "binary > binary.out")
	lazytest.Wants(t, w.line("pprof"), "goroutine ")
	lazytest.Wants(t, w.line("pprof-heap -top"), "inuse_space")
	lazytest.Wants(t, w.line("pprof-heap > heap"), "wrote heap, ", "go tool pprof heap")
	if text := read("heap"); !strings.HasPrefix(text, "\x1f\x8b") {
		t.Errorf("%.20q", text)
	}
	lazytest.Wants(t, w.line("sequences > raw"), "lazy: error: sequences: ")
	if _, err := os.Lstat(filepath.Join(w.dir, "raw")); err == nil {
		t.Error("the answer of a command that failed is kept")
	}
	w.line("utf8 > text")
	w.line("stats > text")
	if text := read("text"); text != "größe 日本語 ok\n" {
		t.Errorf("%q", text)
	}
	w.line("version >! text")
	lazytest.Wants(t, read("text"), "go")
	lazytest.Wants(t, w.line("stats > "), "there is no file after >")
	lazytest.Wants(t, w.line("flood > /dev/full"), "manhole-poke: cannot write /dev/full: ", "no space left")
	lazytest.Wants(t, w.line("version"), "go")

	// A pipe without a reader, and then with one.
	if err := syscall.Mkfifo(filepath.Join(w.dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.clear()
	w.Type("version > pipe", "Enter")
	w.Type("C-c")
	lazytest.Wants(t, w.settles(prompt), "manhole-poke: given up")
	w.clear()
	w.Type("utf8 > pipe", "Enter")
	if text := read("pipe"); text != "größe 日本語 ok\n" {
		t.Errorf("%q", text)
	}
	lazytest.Wants(t, w.settles(prompt), "manhole-poke: wrote pipe, ")
	lazytest.Wants(t, w.line("version"), "go")

	lazytest.Wants(t, w.line("long | tail -n 2"), "line 498\nline 499")
	lazytest.Wants(t, w.line("sequences | od -c | head -n 1"), `033   ]   0   ;   o   w   n   e   d  \a`)
	lazytest.Wants(t, w.line("flood | head -n 1"), "line 0 of many")
	lazytest.Wants(t, w.line("version"), "go")
	lazytest.Wants(t, w.line("flood | nosuchprogram"), "not found")
	w.clear()
	w.Type("flood | less", "Enter")
	w.Shows("line 20 of many")
	w.Type("q")
	w.settles(prompt)
	lazytest.Wants(t, w.line("version"), "go")
	w.leaves(exit.OK, "C-d")
}

func TestConsolePager(t *testing.T) {
	g := startOdd(t)
	w := startConsole(t, g)
	w.leaves(exit.OK, "C-d")
	w.Type("export PAGER='cat -A; echo paged'", "Enter")
	w.poke(g, "--pager")
	lazytest.Wants(t, w.line("long"), "line 499$\npaged")
	if got := w.line("sequences"); strings.Contains(got, "paged") {
		t.Errorf("what is short: %q", got)
	}
	lazytest.Wants(t, w.line("watch 0.01 100"), "CPU\n")
	w.leaves(exit.OK, "C-d")
}

// A pager gets printable text, without colours, in a session and otherwise: not
// every pager shows control characters in visible form.
func TestPagerGetsText(t *testing.T) {
	g, other := startOdd(t), startOdd(t)
	w := startConsole(t, g)
	w.leaves(exit.OK, "C-d")
	w.Type("export PAGER='od -An -c | grep -c 033; echo pa''ged'; stty rows 2", "Enter")
	pid, both := strconv.Itoa(g.PID), fmt.Sprintf("%d %d", g.PID, other.PID)
	for i, args := range []string{pid + " sequences", both + " sequences", pid + " stack"} {
		// The line typed must not contain the text that Shows looks for.
		w.Type(fmt.Sprintf("clear; manhole-poke --pager %s; echo over=$((40+%d))", args, i), "Enter")
		w.Shows(fmt.Sprintf("over=4%d\n$", i))
		lazytest.Wants(t, w.now(), "0\npaged\n")
	}
	w.poke(g, "--pager")
	for _, line := range []string{"sequences", "stack"} {
		lazytest.Wants(t, w.line(line), "0\npaged")
	}
	w.leaves(exit.OK, "C-d")
}
