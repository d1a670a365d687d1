package answer

import (
	"testing"

	"github.com/go-manhole/lazy/internal/commands"
)

func TestNewQuery(t *testing.T) {
	for line, want := range map[string]Query{
		"stats":                     {Sent: "stats", layout: table},
		"version":                   {Sent: "version"},
		"stack":                     {Sent: "stack json", layout: merge},
		"  stack full":              {Sent: "stack json full", layout: merge},
		"stack raw":                 {Sent: "stack raw"},
		"stack -n 3 diff":           {Sent: "stack -n 3 diff"},
		"stack -n 3":                {Sent: "stack json", layout: merge, groups: 3},
		"stack --n=3 -n=4 -system":  {Sent: "stack json -system", layout: merge, groups: 4},
		"stack -n x":                {Sent: "stack json -n x", layout: merge},
		"stack -n":                  {Sent: "stack json -n", layout: merge},
		"stack -match raw":          {Sent: "stack json -match raw", layout: merge},
		"stack -args -id 5":         {Sent: "stack -args -id 5"},
		"stack -match=raw -n 2":     {Sent: "stack json -match=raw", layout: merge, groups: 2},
		"stack -match 'a raw -n 1'": {Sent: "stack json -match 'a raw -n 1'", layout: merge},
		"stack -state json full":    {Sent: "stack json -state json full", layout: merge},
		"stack -system raw":         {Sent: "stack -system raw"},
		"stack -match 'open":        {Sent: "stack -match 'open"},
		"":                          {},
	} {
		want.Line = line
		if got := NewQuery(line, false, commands.Builtin()); got != want {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
	if got := NewQuery("stack -n 3", true, commands.Builtin()); got.Sent != "stack json -n 3" {
		t.Errorf("for programs: %+v", got)
	}
	if got := NewQuery("stack", false, nil); got != Verbatim("stack") {
		t.Errorf("without a command stack: %+v", got)
	}
}
