package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
)

// completed returns what a shell gets: the candidates by word, and whether it
// may offer files as well.
func completed(t *testing.T, words ...string) (found map[string]string, files bool) {
	t.Helper()
	cmd := exec.Command(poketest.Binary(t), append([]string{"__complete"}, words...)...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // a second each time
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	directive := lines[len(lines)-1]
	if directive != ":4" && directive != ":0" {
		t.Fatalf("%q: %q", words, out)
	}
	found = map[string]string{}
	for _, line := range lines[:len(lines)-1] {
		word, what, _ := strings.Cut(line, "\t")
		found[word] = what
	}
	return found, directive == ":0"
}

func TestComplete(t *testing.T) {
	for _, c := range []struct {
		line     string
		has, not string
		files    bool
	}{
		{line: "", has: "list demo completion man help version"},
		{line: "de", has: "demo", not: "list"},
		{line: "-", has: "-s --signal -o --all --json"},
		{line: "-s ", has: "USR1 USR2"},
		{line: "-t ", not: "list"},
		{line: "-o ", files: true},
		{line: "-p ", files: true},
		{line: "/tm", files: true},
		{line: "./", files: true},
		{line: "1 ", has: "stack stats quit", not: "list raw"},
		{line: "1 2 st", has: "stack stats", not: "gc"},
		{line: "-t 3 1 st", has: "stack stats", not: "gc"},
		{line: "1 /tm", files: true},
		{line: "1 stack ", has: "raw diff full -state -match"},
		{line: "1 stack -state ", has: "chan select", not: "-match raw"},
		{line: "1 stack -state chan ", has: "-match", not: "raw"},
		{line: "1 stack -match ", not: "-state"},
		{line: "1 stack diff ", has: "-state -match", not: "raw"},
		{line: "1 stack raw ", has: "-state -not-match"},
		{line: "1 pprof ", has: "heap mutex block goroutine -top -o"},
		{line: "1 pprof-heap -top ", has: "-cum -n -o"},
		{line: "1 pprof-heap -o ", files: true},
		{line: "1 pprof-heap -o x ", has: "-top"},
		{line: "1 -- pprof-heap -o ", has: "-top", not: "-o"},
		{line: "1 tail ", has: "stderr stdout both"},
		{line: "1 setgc ", has: "off", not: "PERCENT"},
		{line: "1 env ", has: "-secrets", not: "REGEXP"},
		{line: "1 help s", has: "stack stats", not: "gc"},
		{line: "1 nonsense ", not: "stack"},
		{line: "--all ", has: "stack version help", not: "list"},
		{line: "--all version ", not: "stack"},
		{line: "-c ", has: "stack stats"},
		{line: "--all -c stats ", not: "stack"},
		{line: "help s", has: "status security stack", not: "list"},
		{line: "help status ", not: "status"},
		{line: "completion ", has: "bash zsh fish powershell"},
		{line: "list -", has: "--json", not: "-s"},
		{line: "version ", not: "list"},
		{line: "gops -", has: "--for -s", not: "--json"},
		{line: "gops --for ", not: "list"},
		{line: "-", not: "--for"},
	} {
		t.Run(c.line, func(t *testing.T) {
			found, files := completed(t, strings.Split(c.line, " ")...)
			if files != c.files {
				t.Errorf("files: %v", files)
			}
			for _, word := range strings.Fields(c.has) {
				if _, ok := found[word]; !ok {
					t.Errorf("no %q among %q", word, found)
				}
			}
			for _, word := range strings.Fields(c.not) {
				if _, ok := found[word]; ok {
					t.Errorf("%q among %q", word, found)
				}
			}
		})
	}
}

func TestCompleteTargets(t *testing.T) {
	name := fmt.Sprintf("tab-%d", os.Getpid()) // a run beside this one has another
	g := poketest.StartNamed(t, name)
	found, _ := completed(t, "")
	if what := found[g.PID]; !strings.HasPrefix(what, name+", ") {
		t.Errorf("%s: %q", g.PID, what)
	}
	if what := found[name]; what != "PID "+g.PID {
		t.Errorf("its name: %q", what)
	}
	for _, words := range [][]string{{"-c", "stats", ""}, {"-c", "stats", "1", ""}, {"1", g.PID[:1]}, {"kernel", ""}} {
		if found, _ := completed(t, words...); found[g.PID] == "" {
			t.Errorf("%q: %q", words, found)
		}
	}
	for _, words := range [][]string{{g.PID, ""}, {"--all", ""}, {"--all", "-c", "stats", ""}} {
		if found, _ := completed(t, words...); found[g.PID] != "" {
			t.Errorf("%q: %q", words, found)
		}
	}
	// A name that two processes have is not offered.
	poketest.StartNamed(t, name)
	if found, _ := completed(t, ""); found[name] != "" {
		t.Errorf("%q", found)
	}
	g.Unharmed(t)
}

// A name that a shell would run as a command is not offered.
func TestCompleteHostileName(t *testing.T) {
	names := []string{"$(touch evil)", "`touch evil`", "a;b", "-c", "12", "list", "a b\x1b[2J"}
	var pids []string
	for _, name := range names {
		pids = append(pids, poketest.StartNamed(t, name).PID)
	}
	found, _ := completed(t, "")
	if strings.HasPrefix(found["list"], "PID") {
		t.Errorf("list: %q", found["list"])
	}
	delete(found, "list")
	for i, name := range names {
		what, ok := found[pids[i]]
		if !ok || strings.ContainsAny(what, "$`;\x1b") {
			t.Errorf("%q: %q", name, what)
		}
		if what, ok := found[name]; ok {
			t.Errorf("%q is offered: %q", name, what)
		}
	}
}
