//go:build linux || darwin || freebsd

package pager

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run has a shell command read text and returns what it wrote.
func run(t *testing.T, command, text string) string {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	exited := false
	p, err := Start(command, out, out, func() { exited = true })
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(p, text)
	p.Wait(t.Context())
	if !exited {
		t.Error("Wait returned before onExit")
	}
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestProgram(t *testing.T) {
	long := strings.Repeat("0", 1<<20) // more than a pipe holds
	for _, test := range []struct{ command, text, want string }{
		{"cat", "a\nb\n", "a\nb\n"},
		{"wc -c | tr -d ' '", long, "1048576\n"},
		{"echo deaf", long, "deaf\n"},
	} {
		if got := run(t, test.command, test.text); got != test.want {
			t.Errorf("%s: %.80q", test.command, got)
		}
	}
}

// A program that does not end by itself ends with the context.
func TestProgramTerminated(t *testing.T) {
	p, err := Start("exec sleep 3600", nil, nil, func() {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Wait(ctx)
	if p.cmd.ProcessState.Exited() {
		t.Error(p.cmd.ProcessState)
	}
}
