package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
)

// The streams are handed in, so a command line can be run here.
func TestRun(t *testing.T) {
	for _, c := range []struct {
		args, stdout, stderr string
		status               exit.Status
	}{
		{args: "version", stdout: "manhole-poke "},
		{args: "help status", stdout: "Every failure prints one line"},
		{args: "-h", stdout: "Usage:"},
		{args: "help nonsense", stderr: `manhole-poke: there is no help on "nonsense"`, status: exit.Usage},
		{args: "--nonsense", stderr: "manhole-poke: unknown flag: --nonsense; try manhole-poke help", status: exit.Usage},
		{args: "list x", stderr: "manhole-poke: unexpected argument x", status: exit.Usage},
	} {
		out, errs := temporary(t), temporary(t)
		s := streams{os.Stdin, out, errs}
		err := run(s, strings.Fields(c.args))
		s.report(err)
		if exit.StatusOf(err) != c.status || !strings.HasPrefix(content(t, out), c.stdout) || !strings.HasPrefix(content(t, errs), c.stderr) || c.stdout == "" && content(t, out) != "" {
			t.Errorf("%s: %v, %q, %q", c.args, err, content(t, out), content(t, errs))
		}
	}
	out := temporary(t)
	streams{os.Stdin, out, temporary(t)}.report(exit.WithView(errors.New("x"), ""))
	if text := content(t, out); text != "" {
		t.Errorf("%q", text)
	}
}

func temporary(t *testing.T) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func content(t *testing.T, f *os.File) string {
	t.Helper()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Packages import only those below them, and none but main knows the command
// line.
func TestArrows(t *testing.T) {
	const internal = "github.com/go-manhole/lazy/cmd/manhole-poke/internal/"
	below := [][]string{
		{"answer", "terminal", "gopsagent"},
		{"session"},
		{"ring"},
		{"process"},
		{"exit", "procfs", "cgroup", "kernelview", "buildinfo"},
	}
	layer := func(path string) int {
		return slices.IndexFunc(below, func(names []string) bool { return slices.Contains(names, strings.TrimPrefix(path, internal)) })
	}
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./internal/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "github.com/spf13/") {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
			if from, to := layer(p.ImportPath), layer(i); from >= 0 && to >= 0 && to < from {
				t.Errorf("%s imports %s, which is above it", p.ImportPath, i)
			}
		}
	}
}
