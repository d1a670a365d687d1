package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
)

// client is what manhole-poke is to the console.
type client struct {
	t     *testing.T
	conn  io.ReadWriteCloser
	ended chan error
	hello frame.Greeting
}

func newClient(t *testing.T, cfg Config, wants string) *client {
	t.Helper()
	leavesNothing(t)
	ours, theirs := pair(t)
	c := &client{t: t, conn: theirs, ended: make(chan error, 1)}
	go func() {
		c.ended <- Framed(context.Background(), ours, cfg)
		ours.Close()
	}()
	c.send(frame.Opening + wants + "\n")
	k, p, err := frame.Read(theirs)
	if err != nil || k != frame.Hello {
		t.Fatalf("%q %q %v", k, p, err)
	}
	if err := json.Unmarshal(p, &c.hello); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads up to and including Done, and returns what there was by kind.
func (c *client) answer() map[frame.Kind]string {
	c.t.Helper()
	got := map[frame.Kind]string{}
	for {
		k, p, err := frame.Read(c.conn)
		if err != nil {
			c.t.Fatalf("%v, after %q", err, got)
		}
		got[k] += string(p)
		if k == frame.Done || k == frame.Closing {
			return got
		}
	}
}

func (c *client) leave() {
	c.t.Helper()
	c.send("quit\n")
	c.answer()
	if _, _, err := frame.Read(c.conn); err != io.EOF {
		c.t.Errorf("after quit: %v", err)
	}
	if err := <-c.ended; err != nil {
		c.t.Error(err)
	}
}

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
	}
	if !names["stack diff"] || !names["own"] {
		t.Errorf("commands %v", names)
	}
	for line, want := range map[string]map[frame.Kind]string{
		"own":         {frame.Output: "lazy: error: not at all\n", frame.Error: "own: this is it", frame.Done: ""},
		"\n\nunknown": {frame.Error: "unknown: no such command; try help", frame.Done: ""},
		"'":           {frame.Error: "line: " + errQuote.Error(), frame.Done: ""},
	} {
		c.send(line + "\n")
		got := c.answer()
		if len(got) != len(want) {
			t.Errorf("%s: %q", line, got)
		}
		for k, text := range want {
			if got[k] != text {
				t.Errorf("%s: %q is %q, want %q", line, k, got[k], text)
			}
		}
	}
	c.send("pprof-heap\n")
	if got := c.answer(); !strings.HasPrefix(got[frame.Output], "\x1f\x8b") || got[frame.Error] != "" {
		t.Errorf("pprof-heap: %.100q", got)
	}
	c.leave()
}

func TestFramesForAPerson(t *testing.T) {
	c := newClient(t, Config{}, " progress report and more")
	if got := c.answer()[frame.Output]; !strings.HasPrefix(got, "goroutines: ") || !strings.Contains(got, " groups") {
		t.Errorf("the report: %q", got)
	}
	c.send("pprof-cpu 1s\n")
	got := c.answer()
	if !strings.HasPrefix(got[frame.Progress], `{"what":"pprof cpu","seconds":1,"left":1}`) ||
		!strings.HasSuffix(got[frame.Progress], `{"what":"pprof cpu","seconds":1,"left":0}`) {
		t.Errorf("progress %q", got[frame.Progress])
	}
	if !strings.HasPrefix(got[frame.Output], "\x1f\x8b") {
		t.Errorf("%.100q", got)
	}
	c.leave()
}

func TestInterrupt(t *testing.T) {
	c := newClient(t, Config{}, " progress")
	for _, line := range []string{"watch 0.01", "pprof-cpu 1h"} {
		c.send(line + "\n")
		time.Sleep(50 * time.Millisecond) // without it, it is the line that is taken back
		c.send("typed before\n" + string(frame.Interrupt))
		name, _, _ := strings.Cut(line, " ")
		if got := c.answer(); got[frame.Error] != name+": interrupted" {
			t.Errorf("%s: %q", line, got)
		}
	}
	c.send("half a line" + string(frame.Interrupt) + "version\n")
	if got := c.answer(); !strings.HasPrefix(got[frame.Output], "go") && !strings.HasPrefix(got[frame.Output], "devel") {
		t.Errorf("the next line: %q", got)
	}
	c.leave()
}

func TestNotAnOpening(t *testing.T) {
	for _, line := range []string{frame.Opening[:1], frame.Opening + "0", frame.Opening[:5]} {
		leavesNothing(t)
		ours, theirs := pair(t)
		go io.WriteString(theirs, line+"\n")
		if err := Framed(context.Background(), ours, Config{}); !errors.Is(err, errOpening) {
			t.Errorf("%q: %v", line, err)
		}
		if k, p, err := frame.Read(theirs); k != frame.Closing || err != nil {
			t.Errorf("%q: %q %q %v", line, k, p, err)
		}
	}
}

// FuzzFramed is about a client that is not manhole-poke.
func FuzzFramed(f *testing.F) {
	f.Add([]byte(frame.Opening + " progress\nversion\n\x03\nquit\n"))
	f.Add([]byte(frame.Opening + "\n\x03\x03version"))
	f.Fuzz(func(t *testing.T, input []byte) {
		l := &lineReader{ctx: context.Background(), conn: readConn{bytes.NewReader(input)}, keys: true}
		for {
			line, err := l.next()
			if err != nil && !errors.Is(err, errLong) && !errors.Is(err, errInterrupted) {
				if err != io.EOF {
					t.Fatal(err)
				}
				return
			}
			if strings.ContainsRune(line, frame.Interrupt) {
				t.Fatalf("%q", line)
			}
		}
	})
}
