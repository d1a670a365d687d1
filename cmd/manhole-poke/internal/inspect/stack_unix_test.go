//go:build linux || darwin || freebsd

package inspect

import (
	"fmt"
	"testing"
)

func TestParseStack(t *testing.T) {
	for line, want := range map[string]bool{
		"stack":                          true,
		"stack full -system":             true,
		"stack -n 3 -match 'main\\.'":    true,
		"stack -n=3 --state='chan send'": true,
		"stack -id 7":                    true,
		"stack -n x":                     false,
		"stack -n":                       false,
		"stack -match (":                 false,
		"stack -min-wait 5m":             false,
		"stack raw":                      false,
		"stack diff":                     false,
		"stats":                          false,
	} {
		if _, _, ok := parseStack(line); ok != want {
			t.Errorf("%s: %v", line, ok)
		}
	}
	f, groups, _ := parseStack("stack -n=3 --state='chan send' -match x -id 7 -system")
	if groups != 3 || len(f.State) != 1 || f.State[0] != "chan send" || len(f.Match) != 1 || fmt.Sprint(f.Match[0]) != "x" || len(f.ID) != 1 || f.ID[0] != 7 || !f.System {
		t.Errorf("%+v, %d groups", f, groups)
	}
}
