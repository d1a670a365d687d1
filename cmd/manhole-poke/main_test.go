package main

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// The package comment is the manual, so it must not fall behind help.
func TestManual(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "main.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	manual := f.Doc.Text()
	for _, s := range statuses {
		if line := fmt.Sprintf("\t%3d  %s\n", s.status, s.meaning); !strings.Contains(manual, line) {
			t.Errorf("the package comment lacks %q", line)
		}
	}
	for _, sub := range subcommands() {
		if !strings.Contains(manual, "manhole-poke "+sub.name) || !strings.Contains(usage, sub.name) {
			t.Errorf("%s is not documented", sub.name)
		}
	}
	new(options).flags().VisitAll(func(f *pflag.Flag) {
		word := "--" + f.Name
		if f.Shorthand != "" {
			word = "-" + f.Shorthand
		}
		if !strings.Contains(manual, "\t"+word+" ") || !strings.Contains(usage, "\n  "+word+" ") {
			t.Errorf("%s is not documented", word)
		}
	})
}

func TestStatusesDistinct(t *testing.T) {
	seen := map[status]bool{}
	for _, s := range statuses {
		if seen[s.status] {
			t.Errorf("%d has two meanings", s.status)
		}
		seen[s.status] = true
	}
}

func TestStatusOf(t *testing.T) {
	if s := statusOf(fmt.Errorf("x: %w", failf(statusBusy, "y"))); s != statusBusy {
		t.Error(s)
	}
	if s := statusOf(errors.New("x")); s != statusHere {
		t.Error(s)
	}
}

func TestParseTimeout(t *testing.T) {
	for s, want := range map[string]time.Duration{"3": 3 * time.Second, "500ms": 500 * time.Millisecond, "1m": time.Minute} {
		if d, err := parseTimeout(s); d != want || err != nil {
			t.Errorf("%s: %v, %v", s, d, err)
		}
	}
	for _, s := range []string{"", "0", "0s", "-1", "-1s", "soon", "99999999999999999999"} {
		if d, err := parseTimeout(s); err == nil {
			t.Errorf("%q: %v, want an error", s, d)
		}
	}
}
