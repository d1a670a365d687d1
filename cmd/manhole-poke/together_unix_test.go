//go:build unix

package main

import "testing"

func TestWayFor(t *testing.T) {
	for line, want := range map[string]way{
		"stats":                     {sent: "stats", kind: table},
		"version":                   {sent: "version"},
		"stack":                     {sent: "stack json", kind: merged},
		"  stack full":              {sent: "stack json full", kind: merged},
		"stack raw":                 {sent: "stack raw"},
		"stack -n 3 diff":           {sent: "stack -n 3 diff"},
		"stack -n 3":                {sent: "stack json", kind: merged, groups: 3},
		"stack --n=3 -n=4 -system":  {sent: "stack json -system", kind: merged, groups: 4},
		"stack -n x":                {sent: "stack json -n x", kind: merged},
		"stack -n":                  {sent: "stack json -n", kind: merged},
		"stack -match raw":          {sent: "stack json -match raw", kind: merged},
		"stack -match=raw -n 2":     {sent: "stack json -match=raw", kind: merged, groups: 2},
		"stack -match 'a raw -n 1'": {sent: "stack json -match 'a raw -n 1'", kind: merged},
		"stack -state json full":    {sent: "stack json -state json full", kind: merged},
		"stack -system raw":         {sent: "stack -system raw"},
		"stack -match 'open":        {sent: "stack -match 'open"},
		"":                          {},
	} {
		want.line = line
		if got := wayFor(options{}, line); got != want {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
	if got := wayFor(options{json: true}, "stack -n 3"); got.sent != "stack json -n 3" {
		t.Errorf("for programs: %+v", got)
	}
}
