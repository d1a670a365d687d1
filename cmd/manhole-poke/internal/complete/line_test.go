package complete

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/frame"
)

// described are the console's commands and one of the program's.
var described = append(commands.Builtin(), frame.Command{Name: "queues", What: "the program's"})

func TestLine(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"heap.pprof", "heap2.pprof", ".hidden", "with blank"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join("dir", "inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ line, head, words, tail string }{
		{"st^", "", "stack stats", ""},
		{"stat^", "", "stats ", ""},
		{"stat^ x", "", "stats", " x"},
		{"q^", "", "queues quit", ""},
		{"ex^", "", "exit ", ""},
		{"stack d^", "stack ", "diff ", ""},
		{"stack -m^", "stack ", "-match -min-wait", ""},
		{"stack diff -s^", "stack diff ", "-state -system", ""},
		{"stack -state r^", "stack -state ", "runnable running", ""},
		{"stack diff -state ru^", "stack diff -state ", "runnable running", ""},
		{"stack raw -fo^", "stack raw ", "-force -fold-idle", ""},
		{"stack -match a -ma^", "stack -match a ", "-match ", ""},
		{"stack -n 5 -n^", "stack -n 5 ", "-not-match -not-state", ""},
		{"stack -system -s^", "stack -system ", "-state ", ""},
		{"stack f^ x", "stack ", "full", " x"},
		{"stack full -sy^", "stack full ", "-system ", ""},
		{"help st^", "help ", "stack stats", ""},
		{"pprof m^", "pprof ", "mutex ", ""},
		{"pprof mutex -^", "pprof mutex ", "-top -cum", ""},
		{"pprof-cpu 10s -^", "pprof-cpu 10s ", "-top -cum -n", ""},
		{"tail ^", "tail ", "stderr stdout both", ""},
		{"setgc ^", "setgc ", "off ", ""},
		{"maxprocs d^", "maxprocs ", "default ", ""},
		{"env -^", "env ", "-secrets ", ""},
		{"stack | l^", "stack | ", "", ""},
		{"stack > h^", "stack > ", "heap.pprof heap2.pprof", ""},
		{"stack >h^", "stack ", ">heap.pprof >heap2.pprof", ""},
		{"stack >! heap2^", "stack >! ", "heap2.pprof ", ""},
		{"stack > d^", "stack > ", "dir/", ""},
		{"stack > dir/^", "stack > ", "dir/inner/", ""},
		{"stack diff h^", "stack diff ", "heap.pprof heap2.pprof", ""},
		{"stack full diff dir/^", "stack full diff ", "dir/inner/", ""},
		{"stack > w^", "stack > ", "", ""},
		{"stack > ^", "stack > ", "dir/ heap.pprof heap2.pprof", ""},
		{"nothing ^", "nothing ", "", ""},
		{"'st^", "'st", "", ""},
		{`'a b' ^`, `'a b' `, "", ""},
	} {
		before, after, _ := strings.Cut(test.line, "^")
		head, words, tail := Line(described, before+after, utf8.RuneCountInString(before))
		got := strings.Join(words, " ")
		if test.words != "" && !strings.Contains(test.words, " ") || strings.HasSuffix(test.words, " ") {
			if got != test.words {
				t.Errorf("%s: %q, want %q", test.line, words, test.words)
			}
		} else {
			for _, w := range strings.Fields(test.words) {
				if !slices.Contains(words, w) {
					t.Errorf("%s: %q lacks %q", test.line, words, w)
				}
			}
			if test.words == "" && len(words) > 0 {
				t.Errorf("%s: %q", test.line, words)
			}
		}
		if head != test.head && len(words) > 0 || tail != test.tail {
			t.Errorf("%s: between %q and %q", test.line, head, tail)
		}
	}
}

func TestDistinct(t *testing.T) {
	got := Distinct([]Candidate{{"a", ""}, {"b", "B"}, {"a", "A"}, {"b", ""}})
	if want := []Candidate{{"a", "A"}, {"b", "B"}}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestExpandHome(t *testing.T) {
	t.Setenv("HOME", "/home/op")
	for name, want := range map[string]string{"~/x": "/home/op/x", "~": "~", "a/~/b": "a/~/b", "": ""} {
		if got := ExpandHome(name); filepath.ToSlash(got) != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

// FuzzLine covers a process that describes its commands strangely, and
// whatever is typed.
func FuzzLine(f *testing.F) {
	f.Add("stack -st", 9, "stack", "full", "state", "x")
	f.Add("é x", 1, "\x1b[2J x", "a|b", "\x1b", "\x1b")
	f.Add("pprof > ", 8, "", "", "", "")
	f.Fuzz(func(t *testing.T, line string, pos int, name, arg, option, value string) {
		line = strings.ToValidUTF8(line, "?") // as from the editor
		n := utf8.RuneCountInString(line)
		if pos < 0 || pos > n {
			pos = n
		}
		odd := frame.Command{
			Name: name, Args: []frame.Arg{{Name: arg}},
			Options: []frame.Option{{Name: option, Arg: arg, Values: []string{value}}},
			Forms:   []frame.Form{{Name: value}},
		}
		stack := odd
		stack.Name = "stack"
		head, words, tail := Line([]frame.Command{odd, stack}, line, pos)
		if !strings.HasPrefix(line, head) || !strings.HasSuffix(line, tail) {
			t.Errorf("%q at %d: %q, %q, %q", line, pos, head, words, tail)
		}
		for _, w := range words {
			if w == "" || strings.ContainsFunc(w, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("%q", w)
			}
		}
	})
}
