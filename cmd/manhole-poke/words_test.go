package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/console"
	"github.com/go-manhole/lazy/internal/frame"
)

func TestParseRequest(t *testing.T) {
	for _, c := range []struct {
		args          string
		literal       bool
		o             options
		targets       string
		lines         []string
		out           string
		force, refuse bool
	}{
		{args: "1", targets: "1"},
		{args: "web", targets: "web"},
		{args: "1 2 /tmp/x", targets: "1 2 /tmp/x"},
		{args: "1 stats", targets: "1", lines: []string{"stats"}},
		{args: "web 2 stats", targets: "web 2", lines: []string{"stats"}},
		{args: "web api", targets: "web", lines: []string{"api"}},
		{args: "1 pprof-cpu 10s 2", targets: "1", lines: []string{"pprof-cpu 10s 2"}},
		{args: "1 stack -state chan -n 5", targets: "1", lines: []string{"stack -state chan -n 5"}},
		{args: "1 -o x pprof-heap -f", targets: "1", lines: []string{"pprof-heap"}, out: "x", force: true},
		{args: "1 -- 2 -o x -f", targets: "1", lines: []string{"2 -o x -f"}},
		{args: "1 -- -x", targets: "1", lines: []string{"-x"}},
		{args: "1 -x", refuse: true},
		{args: "1 --json stats", refuse: true},
		{args: "1 stats -o", refuse: true},
		{args: "1 stats -f", refuse: true},
		{args: "1 --", targets: "1"},
		{args: "1", o: options{json: true}, refuse: true},
		{args: "1", o: options{out: "x"}, refuse: true},
		{args: "version", o: options{all: true}, lines: []string{"version"}},
		{args: "stack -o x", o: options{all: true}, lines: []string{"stack"}, out: "x"},
		{args: "1 stats", o: options{all: true}, refuse: true},
		{args: "1 -f", o: options{all: true}, literal: true, lines: []string{"1 -f"}},
		{args: "", o: options{all: true}, refuse: true},
		{args: "web api 1", o: options{commands: []string{"stats; gc", "stack"}}, targets: "web api 1", lines: []string{"stats", "gc", "stack"}},
		{args: "", o: options{commands: []string{"stats"}}, refuse: true},
		{args: "", o: options{commands: []string{"stats"}, all: true}, lines: []string{"stats"}},
		{args: "1", o: options{commands: []string{"stats"}, all: true}, refuse: true},
		{args: "1", o: options{commands: []string{";"}}, refuse: true},
	} {
		r, err := parseRequest(&c.o, strings.Fields(c.args), c.literal)
		if (err != nil) != c.refuse {
			t.Errorf("%q, %+v: %v", c.args, c.o, err)
		}
		if err != nil {
			if s := statusOf(err); s != statusUsage {
				t.Errorf("%q: status %d", c.args, s)
			}
			continue
		}
		if strings.Join(r.targets, " ") != c.targets || !slices.Equal(r.lines, c.lines) || c.o.out != c.out || c.o.force != c.force {
			t.Errorf("%q, %+v: got %q", c.args, c.o, r)
		}
	}
}

func TestSplitCommands(t *testing.T) {
	for s, want := range map[string][]string{
		"":                              nil,
		" ; \n;":                        nil,
		"stack; stats":                  {"stack", "stats"},
		"stack\n\n stats;":              {"stack", "stats"},
		`stack -match 'a;b'; stats`:     {`stack -match 'a;b'`, "stats"},
		`stack -match "a\";b"; stats`:   {`stack -match "a\";b"`, "stats"},
		`stack -match \';stats`:         {`stack -match \'`, "stats"},
		`env \\;stats`:                  {`env \\`, "stats"},
		`env a\ ;stats`:                 {`env a\ `, "stats"},
		`env 'it\';stats`:               {`env 'it\'`, "stats"},
		"stack -match \"it's\"; stats ": {"stack -match \"it's\"", "stats "},
	} {
		if lines, err := splitCommands(s); err != nil || !slices.Equal(lines, want) {
			t.Errorf("%q: %q, %v", s, lines, err)
		}
	}
	for _, s := range []string{"'", `"a`, `a"\"`, "'a\nb'"} {
		if lines, err := splitCommands(s); statusOf(err) != statusUsage {
			t.Errorf("%q: %q, %v", s, lines, err)
		}
	}
}

// What -c cuts off must be what the console reads, so it is asked.
func FuzzWords(f *testing.F) {
	f.Add("stack\x00-match\x00'http\\.'\x00-n\x005")
	f.Add("\x00a b\x00;\x00\"\x00'\"\\\x00\\")
	f.Add("\t\x00\r\x00it's\x00-\x00--")
	f.Add("a\x03b")
	f.Fuzz(func(t *testing.T, s string) {
		words := strings.Split(s, "\x00")
		line := commandLine(words)
		if strings.Contains(s, "\n") || len(line) > 4000 {
			return
		}
		script := "echo " + line + "; echo 'the next'"
		lines, err := splitCommands(script)
		if strings.ContainsRune(s, frame.Interrupt) {
			if statusOf(err) != statusUsage {
				t.Fatalf("%q, with what Ctrl-C sends: %q, %v", script, lines, err)
			}
			return
		}
		if err != nil || len(lines) != 2 {
			t.Fatalf("%q makes %q: %q, %v", words, script, lines, err)
		}
		want := [][]string{words, {"the next"}}
		if got := heardByConsole(t, lines); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: the console heard %q, want %q", lines, got, want)
		}
	})
}

// heardByConsole is what the commands named echo get in a real session.
func heardByConsole(t *testing.T, lines []string) (heard [][]string) {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		defer ours.Close()
		go io.WriteString(ours, strings.Join(lines, "\n")+"\nquit\n")
		var answer bytes.Buffer
		if io.Copy(&answer, ours); answer.Len() > 0 {
			t.Errorf("%q: the console says %q", lines, &answer)
		}
	}()
	err := console.Run(context.Background(), theirs, console.Config{Commands: []console.Command{{
		Name: "echo",
		Run: func(_ context.Context, _ io.Writer, args []string) error {
			heard = append(heard, slices.Clone(args))
			return nil
		},
	}}})
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	theirs.Close()
	return heard
}
