package args

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/words"
)

var options = []frame.Option{
	{Name: "state", Arg: "TEXT"}, {Name: "n", Arg: "N"}, {Name: "match", Arg: "REGEXP"},
	{Name: "min-wait", Arg: "DURATION"}, {Name: "id", Arg: "N"}, {Name: "system"},
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		line  string
		words []string
		err   string
	}{
		{"a -state x b --n=3 -system -1 -- -id", []string{"a", "b", "-1", "-id"}, ""},
		{"-bogus", nil, "unknown option -bogus (valid: -state, -n, "},
		{"-system=1", nil, "-system takes no value"},
		{"-n", nil, "-n needs a value"},
		{"'-n 1'", nil, "the quotes make -n 1 one word; try -n 1"},
	} {
		split, err := words.Split(test.line)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(split, options)
		switch {
		case err != nil:
			if test.err == "" || !strings.HasPrefix(err.Error(), test.err) {
				t.Errorf("%s: %v", test.line, err)
			}
		case test.err != "" || !slices.Equal(p.Words, test.words):
			t.Errorf("%s: %q", test.line, p.Words)
		case p.Text("state") != "x" || p.Count("n") != 3 || !p.Flag("system") || p.Patterns("match") != nil || p.Err() != nil:
			t.Errorf("%s: %q %v", test.line, p.given, p.Err())
		}
	}
	if _, err := Parse([]string{"-x"}, nil); err == nil || err.Error() != "unknown option -x (it takes none)" {
		t.Error(err)
	}
}

func TestValues(t *testing.T) {
	for name, read := range map[string]func(p *Parsed){
		"match=(":     func(p *Parsed) { p.Patterns("match") },
		"n=0":         func(p *Parsed) { p.Count("n") },
		"id=0":        func(p *Parsed) { p.IDs("id") },
		"min-wait=1s": func(p *Parsed) { p.Longest("min-wait", time.Minute, "too short") },
	} {
		p, err := Parse([]string{"-" + name}, options)
		if err != nil {
			t.Fatal(err)
		}
		if read(p); p.Err() == nil || !strings.HasPrefix(p.Err().Error(), "-"+strings.Replace(name, "=", " ", 1)+": ") {
			t.Errorf("%s: %v", name, p.Err())
		}
	}
	for v, want := range map[string]time.Duration{"10": 10 * time.Second, "0.5": 500 * time.Millisecond, "1m30s": 90 * time.Second, "0": 0, "-1": 0, "x": 0, "1e300": 0} {
		if d, err := Duration(v); d != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %v, %v", v, d, err)
		}
	}
	for v, want := range map[string]int64{"1073741824B": 1 << 30, "1073741824": 0, "5": 0, "5B": 5, "B": 0, "NaN": 0, "-5MiB": 0, "512MiB": 512 << 20, "1.5g": 3 << 29, "0": 0, "9e99T": 0, "": 0, "1Q": 0} {
		if n, err := Bytes(v); n != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %v, %v", v, n, err)
		}
	}
}

func FuzzOptions(f *testing.F) {
	f.Add("-state x -n 5 -- -id")
	f.Add("-match=( --n=1 -1")
	f.Add("-min-wait 1e300 -size 9e99T")
	f.Fuzz(func(t *testing.T, line string) {
		all, err := words.Split(line)
		if err != nil {
			return
		}
		p, err := Parse(all, append(options, frame.Option{Name: "size", Arg: "SIZE"}))
		if err != nil {
			return
		}
		p.Patterns("match")
		n, wait := p.Count("n"), p.Longest("min-wait", time.Minute, "too short")
		limit, err := Bytes(p.Text("size"))
		if n < 0 || n > math.MaxInt32 || err == nil && limit < 0 || len(p.Words) > len(all) || p.Err() == nil && wait < 0 {
			t.Fatalf("%q: %d %v %d %q", line, n, wait, limit, p.Words)
		}
	})
}

func TestRepeated(t *testing.T) {
	split, err := words.Split("-match a -match=b -id 7 -id 9,12 -n 3 -n 5 -state x -state y -min-wait 5m -min-wait 1m")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(split, options)
	if err != nil {
		t.Fatal(err)
	}
	match := p.Patterns("match")
	if len(match) != 2 || !match[0].MatchString("xa") || match[0].MatchString("b") || !match[1].MatchString("b") || !slices.Equal(p.IDs("id"), []uint64{7, 9, 12}) ||
		p.Count("n") != 5 || !slices.Equal(p.Texts("state"), []string{"x", "y"}) ||
		p.Longest("min-wait", time.Minute, "") != 5*time.Minute || p.Err() != nil {
		t.Errorf("%q, %v", p.given, p.Err())
	}
	if p, err = Parse([]string{"-id", "7,x", "-match", "a"}, options); err != nil {
		t.Fatal(err)
	}
	if p.IDs("id"); p.Err() == nil || !strings.HasPrefix(p.Err().Error(), "-id 7,x: ") {
		t.Error(p.Err())
	}
}
