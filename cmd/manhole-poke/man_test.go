package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// The page has every flag and subcommand; package manual tests the rest of it.
func TestManPage(t *testing.T) {
	cmd := exec.Command(lazytest.Tool(t, "mandoc"), "-Tutf8", "-Owidth=1000", "-Wstop=warning")
	cmd.Stdin = strings.NewReader(theManual().Man("v1.2.3", "2026-01-02"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var plain []rune // bold and italic type overstrikes
	for _, c := range string(out) {
		if c == '\b' {
			plain = plain[:len(plain)-1]
			continue
		}
		plain = append(plain, c)
	}
	page := strings.Join(strings.Fields(string(plain)), " ")
	for _, f := range flagTable() {
		lazytest.Wants(t, page, strings.TrimSpace("--"+f.Long+" "+f.Arg)+" "+f.What, f.More)
	}
	for _, s := range subcommands() {
		lazytest.Wants(t, page, strings.TrimSpace(s.Name+" "+s.Args)+" "+s.What, s.More)
	}
}
