package console

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/frame"
)

// deep calls itself until the stack has so many frames more.
func deep(n int, wait <-chan struct{}) {
	if n > 0 {
		deep2(n-1, wait)
		return
	}
	<-wait
}

func deep2(n int, wait <-chan struct{}) { deep(n, wait) }

// A person's greeting fits the screen with the prompt; stack has the rest.
func TestGreetingFits(t *testing.T) {
	leavesNothing(t)
	release := make(chan struct{})
	defer close(release)
	for range 50 {
		go deep(60, release)
	}
	for i := range 40 {
		go func() { deep(i%20, release) }()
	}
	running("console.deep(")
	greeting := "lazy: hello\nlazy: " + strings.Repeat("x", 90) + "\n"
	got := talkTo(t, person, Config{Greeting: greeting}, "")
	got = strings.TrimSuffix(got, "\n") // of the end of input
	if n := usual.rows(got); n > usual.lines || n < usual.lines/2 {
		t.Errorf("%d rows:\n%s", n, got)
	}
	for _, want := range []string{greeting, "goroutines: ", "\nmemory: ", "\n#1: 50 chan receive", " more lines\n", "\nleft out: ", "\nlazy: stack shows them all\n" + prompt} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}

	for _, size := range []screen{{80, 24}, {200, 60}, {80, 3}, {1, 1}, {10_000, 10_000}} {
		got := report(t, fmt.Sprintf("%s %s %s%dx%d\n", frame.Preface, "progress report", frame.ScreenIs, size.columns, size.lines))
		if n := size.rows(got); size.lines >= 24 && n >= size.lines {
			t.Errorf("%v: %d rows:\n%s", size, n, got)
		}
		all := strings.Contains(got, "console.deep2") && !strings.Contains(got, "lazy: stack shows them all")
		if all != (size.lines == 10_000) {
			t.Errorf("%v:\n%s", size, got)
		}
	}
	// Whoever is no person gets everything.
	got = report(t, frame.Preface+" report screen=80x24\n")
	if strings.Contains(got, "lazy: ") || strings.Count(got, "\n#") < 20 {
		t.Errorf("a script:\n%s", got)
	}
}

// report returns the report of a session that begins with preface.
func report(t *testing.T, preface string) string {
	t.Helper()
	ours, theirs := pair(t)
	go func() {
		io.WriteString(theirs, preface)
		theirs.CloseWrite()
	}()
	go func() {
		Serve(context.Background(), ours, Config{})
		ours.Close()
	}()
	var b bytes.Buffer
	for {
		f, err := frame.Read(theirs)
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if f.Kind == frame.Output {
			b.Write(f.Payload)
		}
	}
}

func FuzzFit(f *testing.F) {
	f.Add("2 goroutines\n\n#1: 1 running\n    main\n\n#2: 1 running\n    main\n\nleft out: 1\n", 80, 24)
	f.Add("\n\n#\n\nleft out: ", 1, 1)
	f.Fuzz(func(t *testing.T, text string, columns, lines int) {
		if columns <= 0 || lines <= 0 || columns > 10_000 || lines > 10_000 {
			return
		}
		c := screen{columns, lines}
		got, _ := c.fit(lines, func(n int) string { return text })
		if len(got) > len(text)+100 {
			t.Errorf("%q from %q", got, text)
		}
		frame.Screen(text)
	})
}
