package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/frame"
)

func TestLinesThatWait(t *testing.T) {
	onBoth(t, Config{}, "", func(t *testing.T, c *client) {
		running := c.line("watch 0.01 1000000")
		c.await(running)
		version, interrupted, unclosed := c.line("version"), c.line("pprof-cpu 1h"), c.line("'")
		finished := c.line("trace 1h")
		c.send(frame.Interrupt, interrupted, "")
		c.send(frame.Interrupt, unclosed, "")
		c.send(frame.Finish, finished, "")
		c.send(frame.Finish, running, "")
		if got := c.answer(running); got[frame.Failed] != "" {
			t.Errorf("finished: %q", got)
		}
		if got := c.answer(version); got[frame.Output] == "" || got[frame.Failed] != "" {
			t.Errorf("version: %q", got)
		}
		if got := c.answer(interrupted); len(got) != 2 || got[frame.Failed] != "pprof-cpu: interrupted before it began" {
			t.Errorf("interrupted: %q", got)
		}
		if got := c.answer(unclosed); got[frame.Failed] != "line: interrupted before it began" {
			t.Errorf("interrupted: %q", got)
		}
		if got := c.answer(finished); got[frame.Output] == "" || got[frame.Failed] != "" {
			t.Errorf("finished before it began: %.100q", got)
		}
		c.leave()
	})
}

// TestNextLineEndsWatch: it has no end, so the next line of a script ends it.
func TestNextLineEndsWatch(t *testing.T) {
	onBoth(t, Config{}, "", func(t *testing.T, c *client) {
		first := c.line("watch 0.01")
		c.await(first)
		next := c.line("version")
		for _, id := range []uint32{first, next} {
			if got := c.answer(id); got[frame.Failed] != "" {
				t.Errorf("%q", got)
			}
		}
		c.leave()
	})
}

// TestManyLinesWait: more lines than are kept are not lost, but wait for being
// read.
func TestManyLinesWait(t *testing.T) {
	onBoth(t, Config{}, "", func(t *testing.T, c *client) {
		first := c.line("watch 0.01 1000000")
		c.await(first)
		const n = 200
		sent := make(chan error, 1)
		go func() { // its writes wait, too
			var err error
			for id := first + 1; id <= first+n && err == nil; id++ {
				err = frame.Write(c.conn, frame.Frame{Kind: frame.Line, ID: id, Payload: []byte("version" + strings.Repeat(" ", 4000))})
				if id == first+5 && err == nil {
					err = frame.Write(c.conn, frame.Frame{Kind: frame.Finish, ID: first})
				}
			}
			sent <- err
		}()
		for id := first; id <= first+n; id++ {
			if got := c.answer(id); id > first && got[frame.Output] == "" || got[frame.Failed] != "" {
				t.Fatalf("%d: %q", id, got)
			}
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		c.last += n
		c.leave()
	})
}

func TestWrongFrames(t *testing.T) {
	for name, test := range map[string]struct {
		frame frame.Frame
		why   string
	}{
		"unknown kind":        {frame.Frame{Kind: 'X', ID: 2}, `unknown kind of frame 'X'`},
		"an answer":           {frame.Frame{Kind: frame.Done, ID: 1}, `unknown kind of frame 'D'`},
		"id 0":                {frame.Frame{Kind: frame.Line, ID: 0}, "line 0 after line 1"},
		"an id again":         {frame.Frame{Kind: frame.Line, ID: 1}, "line 1 after line 1"},
		"too long":            {frame.Frame{Kind: frame.Line, ID: 2, Payload: make([]byte, maxLine+1)}, "the limit is 4096"},
		"with payload":        {frame.Frame{Kind: frame.Finish, ID: 1, Payload: []byte("x")}, "a frame of kind 'F' with 1 bytes"},
		"for the future":      {frame.Frame{Kind: frame.Interrupt, ID: 7}, "for line 7, which was never sent"},
		"the old way to talk": {frame.Frame{Kind: 's', ID: 0x74617473, Payload: []byte("and so on")}, "unknown kind of frame 's'"},
	} {
		t.Run(name, func(t *testing.T) {
			// While nothing runs, and while something does.
			onBoth(t, Config{}, "", func(t *testing.T, c *client) {
				c.answer(c.line("version"))
				frame.Write(c.conn, test.frame)
				c.closing("the client breaks the protocol: ")
			})
			onBoth(t, Config{}, "", func(t *testing.T, c *client) {
				c.await(c.line("watch 0.01 1000000"))
				frame.Write(c.conn, test.frame)
				c.closing(test.why)
			})
		})
	}
	t.Run("cut short", func(t *testing.T) {
		ours, theirs := pair(t)
		c := newClientOn(t, ours, theirs, Config{}, "")
		io.WriteString(theirs, "L\x00\x00")
		theirs.CloseWrite()
		c.closing("within a frame")
	})
}

// FuzzRequests is about a client that is not manhole-poke. Nothing may panic,
// and each line that is taken comes once and in order.
func FuzzRequests(f *testing.F) {
	frames := func(all ...frame.Frame) []byte {
		var b bytes.Buffer
		for _, f := range all {
			frame.Write(&b, f)
		}
		return b.Bytes()
	}
	f.Add(frames(frame.Frame{Kind: frame.Line, ID: 1, Payload: []byte("version")}, frame.Frame{Kind: frame.Finish, ID: 1}), uint8(3))
	f.Add(frames(frame.Frame{Kind: frame.Interrupt}, frame.Frame{Kind: frame.Line, ID: 1 << 31}), uint8(0))
	f.Add([]byte("stats\nquit\n"), uint8(1))
	f.Fuzz(func(t *testing.T, input []byte, runs uint8) {
		in := &inputOf(input).input
		failed := error(nil)
		r := &requests{in: in, fail: func(err error) { failed = err }}
		last := uint32(0)
		for {
			next, err := r.next()
			if err != nil {
				if failed != nil && failed != err || failed == nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatal(err, failed)
				}
				return
			}
			if next.id <= last || len(next.line) > maxLine {
				t.Fatalf("%d after %d, %d bytes", next.id, last, len(next.line))
			}
			last = next.id
			// Some of them run, while more comes.
			if runs--; runs%2 == 0 {
				next.enough = make(chan struct{})
				next.ctx, next.cancel = context.WithCancelCause(context.Background())
				r.running = next
				stop := in.attend(r.parse)
				in.pending()
				in.poll()
				stop()
				r.running = nil
				next.cancel(nil)
			}
			if r.size > maxWaiting+maxLine+perLine {
				t.Fatalf("%d bytes wait", r.size)
			}
		}
	})
}

// fuzzed is a Conn from which everything can be read at once.
type fuzzed struct {
	readConn
	input input
}

func inputOf(b []byte) *fuzzed {
	f := &fuzzed{readConn: readConn{bytes.NewReader(b)}}
	f.input.ctx, f.input.conn = context.Background(), f
	return f
}
