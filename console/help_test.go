package console

import (
	"context"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever the program gives as the usage of a command, help shows all of it, and
// it moves no cursor.
func TestHelpOnProgram(t *testing.T) {
	run := func(context.Context, io.Writer, []string) error { return nil }
	cfg := Config{Commands: []Command{
		{Name: "queue", Usage: "[NAME]  the length of a queue\n\nNAME is one of:\n\tmail\tfor customers\n", Run: run},
		{Name: "nasty", Usage: "\x1b[2J clears\r\x00\xff\u202e", Run: run},
		{Name: "long", Usage: strings.Repeat("x", 1<<17), Run: run},
		{Name: "bare", Run: run},
	}}
	got := talk(t, cfg, "help queue\n")
	if want := "queue\n  [NAME]  the length of a queue\n\n  NAME is one of:\n      mail    for customers\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = talk(t, cfg, "help nasty\nhelp bare\nhelp\n")
	if strings.ContainsAny(got, "\x1b\r\x00\u202e") || !utf8.ValidString(got) || !strings.Contains(got, `\x1b[2J clears`) || strings.Contains(got, "mail") {
		t.Errorf("got %q", got)
	}
	if n := strings.Count(talk(t, cfg, "help long\n"), "x"); n != 1<<17 {
		t.Errorf("%d of it", n)
	}
	if _, err := (&session{cfg: cfg}).hello(); err != nil {
		t.Error(err)
	}
}

// "What does it wait for?" names first what shows the present.
func TestHelpPointers(t *testing.T) {
	_, got, _ := strings.Cut(talk(t, Config{}, "help\n"), "What does it wait for?\n")
	got, _, _ = strings.Cut(got, "\n\n")
	for _, want := range []string{"  stack -state TEXT ", "  fds ", "  pprof "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

func TestMemlimit(t *testing.T) {
	got := talk(t, Config{}, "memlimit 5\nmemlimit 5B\nmemlimit 1KiB\nmemlimit\n")
	for _, want := range []string{
		"memlimit: 5 has no unit; try 5MiB, 5GiB, or 5B if it is bytes\n",
		"memlimit: 5B is less than the ", " in use, ", "; try a higher limit, or memlimit 5B -force\n",
		"memlimit: 1KiB is less than the ", "memory limit: off\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	got = talk(t, Config{}, "memlimit 1KiB -force\nmemlimit off\n")
	if want := "memory limit: 1.00KB (1024 bytes), was off\nmemory limit: off, was 1.00KB (1024 bytes)\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzWrongLine(f *testing.F) {
	for _, line := range []string{"'stack -n 1'", "stcak 'a b'", "stack main(", "? x", "exit", "kernel", "'stack -n' \"1", "stack \x1b[2J"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\n\x00") {
			return
		}
		s := &session{}
		word := strings.Fields(line + " x")
		for _, text := range []string{s.unknown(word).Error(), visible(line), firstLine(line)} {
			for _, r := range text {
				if r < ' ' || r == 0x7f {
					t.Errorf("%q holds %q", text, r)
				}
			}
		}
		s.obvious(word)
	})
}
