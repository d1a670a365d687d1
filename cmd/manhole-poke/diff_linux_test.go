package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
)

// TestDiffWithFile compares with stacks that were kept.
func TestDiffWithFile(t *testing.T) {
	t.Parallel()
	g := poketest.Start(t, "lazy")
	file := filepath.Join(t.TempDir(), "before.json")
	r := poketest.Run(t, "", g.PID, "stack", "json")
	if r.Status != exit.OK {
		t.Fatal(r)
	}
	// As if a goroutine had waited elsewhere then.
	kept := strings.Replace(r.Stdout, `"func":"main.`, `"func":"main.earlier.`, 1)
	if kept == r.Stdout {
		kept = strings.Replace(r.Stdout, `"func":"`, `"func":"main.earlier.`, 1)
	}
	if err := os.WriteFile(file, []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"stack", "diff", file}, {"stack diff '" + file + "'"}, {"-c", "stack diff " + file}, {"-c", "stats; stack full diff -n 5 " + file}} {
		args := append([]string{g.PID}, command...)
		if command[0] == "-c" {
			args = append(command, g.PID)
		}
		r := poketest.Run(t, "", args...)
		if r.Status != exit.OK || !strings.Contains(r.Stdout, " 1 gone, ") || !strings.Contains(r.Stdout, "main.earlier.") {
			t.Errorf("%q: %+v", command, r)
		}
	}
	r = poketest.Run(t, "", g.PID, "stack", "diff", file, "-match", "no such", "-label", "a=b")
	if r.Status != exit.OK || !strings.Contains(r.Stdout, ": 0 new, 0 grown, 0 shrunk, 0 gone, 0 unchanged") {
		t.Errorf("%+v", r)
	}
	other := poketest.Start(t, "lazy")
	r = poketest.Run(t, "", g.PID, other.PID, "stack", "diff", file)
	if r.Status != exit.OK || strings.Count(r.Stdout, "main.earlier.") < 2 {
		t.Errorf("%+v", r)
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("[", 3<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, filepath.Join(t.TempDir(), "none")} {
		r := poketest.Run(t, "", g.PID, "stack", "diff", name)
		if r.Status != exit.Command || !strings.Contains(r.Stderr, "stack: ") || !strings.Contains(r.Stderr, "stack json") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
