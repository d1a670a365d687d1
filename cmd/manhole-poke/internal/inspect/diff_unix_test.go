//go:build linux || darwin || freebsd

package inspect

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestDiffFile(t *testing.T) {
	for line, want := range map[string]string{
		"stack diff before.json":                    "before.json",
		"stack full diff 'a b' -match x -label t=1": "a b",
		"stack diff -n 3 x -min-wait 5m":            "x",
		"stack diff":                                "",
		"stack diff 10s":                            "",
		"stack diff 10":                             "",
		"stack diff ./10":                           "./10",
		"stack diff x y":                            "",
		"stack x diff":                              "",
		"stack diff json":                           "",
		"stack diff -match":                         "",
		"stack diff x -bogus 1":                     "",
		"stack -match diff":                         "",
		"stacks diff x":                             "",
		"stack diff -- -x":                          "-x",
	} {
		if got := diffFile(line); got != want {
			t.Errorf("%s: %q", line, got)
		}
	}
}

func TestReadDump(t *testing.T) {
	dir := t.TempDir()
	bad, fifo := filepath.Join(dir, "bad"), filepath.Join(dir, "fifo")
	if err := os.WriteFile(bad, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		bad: "; keep one with: stack json > FILE", fifo: "is no regular file", dir: "is no regular file", filepath.Join(dir, "none"): "it takes a duration, or a file",
	} {
		if _, err := readDump(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
