package console

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/words"
)

func TestFramesTellAnswersFromTheRest(t *testing.T) {
	own := Command{Name: "own", Usage: "one of the program's", Run: func(_ context.Context, w io.Writer, _ []string) error {
		io.WriteString(w, "lazy: error: not at all\n")
		return errors.New("this is it")
	}}
	c := newClient(t, Config{Greeting: "lazy: hello\n", Commands: []Command{own}}, "")
	if c.hello.Text != "lazy: hello\n" {
		t.Errorf("greeting %q", c.hello.Text)
	}
	names := map[string]bool{}
	for _, c := range c.hello.Commands {
		names[c.Name] = true
		for _, f := range c.Forms {
			names[c.Name+" "+f.Name] = true
		}
	}
	if !names["stack diff"] || !names["own"] {
		t.Errorf("commands %v", names)
	}
	for line, want := range map[string]map[frame.Kind]string{
		"own":     {frame.Output: "lazy: error: not at all\n", frame.Failed: "own: this is it", frame.Done: ""},
		"unknown": {frame.Failed: "unknown: no such command; try help", frame.Done: ""},
		"'":       {frame.Failed: "line: " + words.ErrUnclosed.Error(), frame.Done: ""},
		"":        {frame.Done: ""},
		" \t":     {frame.Done: ""},
	} {
		got := c.answer(c.line(line))
		if len(got) != len(want) {
			t.Errorf("%s: %q", line, got)
		}
		for k, text := range want {
			if got[k] != text {
				t.Errorf("%s: %q is %q, want %q", line, k, got[k], text)
			}
		}
	}
	if got := c.answer(c.line("pprof-heap")); !strings.HasPrefix(got[frame.Output], "\x1f\x8b") || got[frame.Failed] != "" {
		t.Errorf("pprof-heap: %.100q", got)
	}
	c.leave()
}

func TestFramesForAPerson(t *testing.T) {
	c := newClient(t, Config{}, " progress report and more")
	if got := c.answer(0)[frame.Output]; !strings.HasPrefix(got, "goroutines: ") || !strings.Contains(got, " groups") {
		t.Errorf("the report: %q", got)
	}
	got := c.answer(c.line("pprof-cpu 1s"))
	if !strings.HasPrefix(got[frame.Progressing], `{"what":"pprof cpu","seconds":1,"left":1}`) ||
		!strings.HasSuffix(got[frame.Progressing], `{"what":"pprof cpu","seconds":1,"left":0}`) {
		t.Errorf("progress %q", got[frame.Progressing])
	}
	if !strings.HasPrefix(got[frame.Output], "\x1f\x8b") {
		t.Errorf("%.100q", got)
	}
	c.leave()
}

func TestInterrupt(t *testing.T) {
	onBoth(t, Config{}, " progress", func(t *testing.T, c *client) {
		for _, line := range []string{"watch 0.01", "pprof-cpu 1h"} {
			id := c.line(line)
			c.await(id)
			c.send(frame.Interrupt, id, "")
			name, _, _ := strings.Cut(line, " ")
			if got := c.answer(id); got[frame.Failed] != name+": interrupted" {
				t.Errorf("%s: %q", line, got)
			}
			c.send(frame.Interrupt, id, "") // too late, and for nothing
			c.send(frame.Finish, id, "")
		}
		if got := c.answer(c.line("version")); !strings.HasPrefix(got[frame.Output], "go") && !strings.HasPrefix(got[frame.Output], "devel") {
			t.Errorf("the next line: %q", got)
		}
		c.leave()
	})
}

// TestFinishInAScript: what is finished is no failure, whatever takes its time.
func TestFinishInAScript(t *testing.T) {
	onBoth(t, Config{}, "", func(t *testing.T, c *client) {
		for line, function := range map[string]string{
			"pprof-cpu 1h": "console.sleep(", "pprof mutex 1h -top": "console.sleep(", "trace 1h": "console.executionTrace(",
			"watch 1h 5": "console.watch(",
		} {
			id := c.line(line)
			running(function)
			c.send(frame.Finish, id, "")
			if got := c.answer(id); got[frame.Output] == "" || got[frame.Failed] != "" {
				t.Errorf("%s: %.100q", line, got)
			}
		}
		c.leave()
	})
}

// TestTheReportCanBeInterrupted, as a whole.
func TestTheReportCanBeInterrupted(t *testing.T) {
	ours, theirs := pair(t)
	io.WriteString(theirs, frame.Preface+" report\n")
	frame.Write(theirs, frame.Frame{Kind: frame.Interrupt})
	frame.Write(theirs, frame.Frame{Kind: frame.Line, ID: 1, Payload: []byte("quit")})
	c := &client{t: t, conn: theirs, ended: make(chan error, 1), last: 1}
	go func() { c.ended <- second(Serve(context.Background(), ours, Config{})); ours.Close() }()
	if f, err := frame.Read(theirs); f.Kind != frame.Hello || err != nil {
		t.Fatal(f.Kind, err)
	}
	if got := c.answer(0); got[frame.Failed] != "stats: interrupted" || got[frame.Output] != "" {
		t.Errorf("%q", got)
	}
	c.answer(1)
	if err := <-c.ended; err != nil {
		t.Error(err)
	}
}

// TestInputEndsEarly: what was asked is answered, and a person's countdown ends.
func TestInputEndsEarly(t *testing.T) {
	for _, wants := range []string{"", " progress"} {
		ours, theirs := pair(t)
		c := newClientOn(t, newPending(t, ours), theirs, Config{}, wants)
		line := "pprof-cpu 0.1"
		if wants != "" {
			line = "pprof-cpu 1h"
		}
		first, then := c.line(line), c.line("version")
		theirs.CloseWrite()
		for _, id := range []uint32{first, then} {
			if got := c.answer(id); got[frame.Output] == "" || got[frame.Failed] != "" {
				t.Errorf("%d: %.100q", id, got)
			}
		}
		if err := <-c.ended; err != nil {
			t.Error(err)
		}
	}
}

func TestNotAPreface(t *testing.T) {
	for _, line := range []string{frame.Preface[:1], frame.Preface + "0", frame.Preface[:5], "\x16lazy 1 progress"} {
		leavesNothing(t)
		ours, theirs := pair(t)
		go io.WriteString(theirs, line+"\n")
		if kind, err := Serve(context.Background(), ours, Config{}); kind != "manhole-poke" || !errors.Is(err, errPreface) {
			t.Errorf("%q: %s, %v", line, kind, err)
		}
		if f, err := frame.Read(theirs); f.Kind != frame.Closing || err != nil {
			t.Errorf("%q: %q %q %v", line, f.Kind, f.Payload, err)
		}
	}
}
