package inspect

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/complete"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/values"
	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/frame"
)

func TestParse(t *testing.T) {
	inMain := values.Place{Frame: values.OfProgram}
	for line, want := range map[string]question{
		"print x":                        {name: "print", rest: "x", at: inMain},
		`print  main.m["a  b"] + 'x' `:   {name: "print", rest: `main.m["a  b"] + 'x'`, at: inMain},
		"print -x":                       {name: "print", rest: "-x", at: inMain},
		"print - x -id":                  {name: "print", rest: "- x -id", at: inMain},
		"print -- -id":                   {name: "print", rest: "-id", at: inMain},
		"print -id 7 -depth=3 *p":        {name: "print", rest: "*p", at: values.Place{Goroutine: 7, Frame: values.OfProgram}, limits: values.Limits{Depth: 3}},
		"whatis --id 7 -frame 0 p":       {name: "whatis", rest: "p", at: values.Place{Goroutine: 7}},
		"locals -id 7 -strings 9 -len 1": {name: "locals", at: values.Place{Goroutine: 7, Frame: values.OfProgram}, limits: values.Limits{String: 9, Len: 1}},
		"globals":                        {name: "globals", at: inMain},
		"globals x -len 3":               {name: "globals", at: inMain, limits: values.Limits{Len: 3}},
		"globals -len 3 'a b'":           {name: "globals", at: inMain, limits: values.Limits{Len: 3}},
		"set main.x 5":                   {name: "set", rest: "main.x 5", at: inMain, variable: "main.x", value: "5"},
		"set main.x 5 * time.Second":     {name: "set", rest: "main.x 5 * time.Second", at: inMain, variable: "main.x", value: "5 * time.Second"},
		`set "\"a/b\".x" -5`:             {name: "set", rest: `"\"a/b\".x" -5`, at: inMain, variable: `"a/b".x`, value: "-5"},
	} {
		got, err := parse(line)
		l := values.DefaultLimits
		if want.limits.Depth != 0 {
			l.Depth = want.limits.Depth
		}
		if want.limits.String != 0 {
			l.String = want.limits.String
		}
		if want.limits.Len != 0 {
			l.Len = want.limits.Len
		}
		want.limits, got.match = l, nil
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", line, got, err, want)
		}
	}
	for line, why := range map[string]string{
		"print": "expression is missing", "whatis -id 1": "expression is missing", "print -id": "-id takes", "print -id 0 x": "-id takes", "print -frame 1 x": "-id N is missing",
		"print -depth 999 x": "to 20", "locals": "-id N is missing", "locals -id 1 x": "unexpected x", "globals (": "missing closing", "globals a b": "unexpected b",
		"globals -x": "no option -x", "globals '": "quote", "set": "are needed", "set x": "are needed", "set x ''": "are needed",
	} {
		if q, err := parse(line); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %+v, %v", line, q, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"print x", "print -id 7 -frame=2 m['a']", "globals '^main' -len 3", "set a 5", "locals -id 1", "print\x00-id"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		q, err := parse(line)
		if err == nil && (q.limits.Depth > values.MaxLimits.Depth || q.limits.Len > values.MaxLimits.Len || q.at.Goroutine < 0 || q.at.Frame < values.OfProgram) {
			t.Errorf("%q: %+v", line, q)
		}
	})
}

// The program's own commands of these names stay, and so does a set that is not
// lazy's.
func TestMerge(t *testing.T) {
	all := Merge(commands.Builtin())
	names := func(cs []frame.Command) (names []string) {
		for _, c := range cs {
			names = append(names, c.Name)
		}
		return names
	}
	for _, c := range Commands() {
		i := slices.IndexFunc(all, func(s frame.Command) bool { return s.Name == c.Name })
		if i < 0 || all[i].Usage != c.Usage {
			t.Errorf("%s: %q", c.Name, names(all))
		}
	}
	own := frame.Command{Name: "print", What: "prints paper"}
	if all := Merge([]frame.Command{own}); len(all) != 4 || all[0].What != own.What {
		t.Errorf("%q", names(all))
	}
	for line, want := range map[string]string{"wha": "whatis ", "print -i": "-id ", "locals -f": "-frame ", "globals -le": "-len "} {
		head, words, _ := complete.Line(all, line, len(line))
		if len(words) != 1 || words[0] != want {
			t.Errorf("%s: %q %q", line, head, words)
		}
	}
}
