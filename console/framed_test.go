package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/words"
)

// client is what manhole-poke is to the console.
type client struct {
	t     *testing.T
	conn  io.ReadWriteCloser
	ended chan error
	hello frame.Greeting
	last  uint32 // id of a line
}

func newClient(t *testing.T, cfg Config, wants string) *client {
	t.Helper()
	leavesNothing(t)
	ours, theirs := pair(t)
	return newClientOn(t, ours, theirs, cfg, wants)
}

func newClientOn(t *testing.T, ours Conn, theirs io.ReadWriteCloser, cfg Config, wants string) *client {
	t.Helper()
	c := &client{t: t, conn: theirs, ended: make(chan error, 1)}
	go func() {
		kind, err := Serve(context.Background(), ours, cfg)
		if kind != "manhole-poke" {
			t.Errorf("the peer is taken for %s", kind)
		}
		ours.(io.Closer).Close()
		c.ended <- err
	}()
	if _, err := io.WriteString(c.conn, frame.Preface+wants+"\n"); err != nil {
		t.Fatal(err)
	}
	f, err := frame.Read(theirs)
	if err != nil || f.Kind != frame.Hello || f.ID != 0 {
		t.Fatalf("%+v %v", f, err)
	}
	if err := json.Unmarshal(f.Payload, &c.hello); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *client) send(k frame.Kind, id uint32, payload string) {
	c.t.Helper()
	if err := frame.Write(c.conn, frame.Frame{Kind: k, ID: id, Payload: []byte(payload)}); err != nil {
		c.t.Fatal(err)
	}
}

// line sends a line and returns its id.
func (c *client) line(text string) uint32 {
	c.t.Helper()
	c.last++
	c.send(frame.Line, c.last, text)
	return c.last
}

// answer reads up to and including Done, and returns what there was by kind.
func (c *client) answer(id uint32) map[frame.Kind]string {
	c.t.Helper()
	got := map[frame.Kind]string{}
	for {
		f, err := frame.Read(c.conn)
		if err != nil {
			c.t.Fatalf("%v, after %q", err, got)
		}
		if f.ID != id && f.Kind != frame.Closing {
			c.t.Fatalf("a frame of kind %q for %d, not %d", f.Kind, f.ID, id)
		}
		got[f.Kind] += string(f.Payload)
		if f.Kind == frame.Done || f.Kind == frame.Closing {
			return got
		}
	}
}

// await reads until there is some output of the line.
func (c *client) await(id uint32) {
	c.t.Helper()
	for {
		f, err := frame.Read(c.conn)
		if err != nil || f.ID != id || f.Kind == frame.Done {
			c.t.Fatalf("%q of %d, %v", f.Kind, f.ID, err)
		}
		if f.Kind == frame.Output || f.Kind == frame.Progressing {
			return
		}
	}
}

func (c *client) leave() {
	c.t.Helper()
	c.answer(c.line("quit"))
	if _, err := frame.Read(c.conn); err != io.EOF {
		c.t.Errorf("after quit: %v", err)
	}
	if err := <-c.ended; err != nil {
		c.t.Error(err)
	}
}

// closing expects the session to end for this reason.
func (c *client) closing(why string) {
	c.t.Helper()
	for {
		f, err := frame.Read(c.conn)
		if err != nil {
			c.t.Fatalf("no reason, but %v", err)
		}
		if f.Kind == frame.Closing {
			if !strings.Contains(string(f.Payload), why) {
				c.t.Errorf("closing: %q, want %q", f.Payload, why)
			}
			break
		}
	}
	if err := <-c.ended; err == nil || !strings.Contains(err.Error(), why) {
		c.t.Errorf("ended with %v, want %q", err, why)
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

// onBoth runs a test with a plain connection, and with one that reports what is
// pending.
func onBoth(t *testing.T, cfg Config, wants string, f func(t *testing.T, c *client)) {
	t.Run("plain", func(t *testing.T) { f(t, newClient(t, cfg, wants)) })
	t.Run("pending", func(t *testing.T) {
		leavesNothing(t)
		ours, theirs := pair(t)
		f(t, newClientOn(t, newPending(t, ours), theirs, cfg, wants))
	})
}

// pendingReader is a Conn that reports what is pending, as that of package lazy
// does, from a goroutine of the test.
type pendingReader struct {
	Conn
	come    chan []byte
	mu      sync.Mutex
	unread  []byte
	eof     bool
	dl      time.Time
	pending func()
}

func newPending(t *testing.T, conn Conn) *pendingReader {
	p := &pendingReader{Conn: conn}
	go func() { // all reading is done here
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			p.mu.Lock()
			p.unread = append(p.unread, buf[:n]...)
			p.eof = err != nil
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() { // the doorkeeper
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			p.mu.Lock()
			f := p.pending
			p.mu.Unlock()
			if f != nil {
				f()
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-ended })
	return p
}

func (p *pendingReader) Close() error { return p.Conn.(io.Closer).Close() }

func (p *pendingReader) SetReadDeadline(at time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dl = at
	return nil
}

func (p *pendingReader) OnPending(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = f
}

func (p *pendingReader) TryRead(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.unread) > 0:
		n := copy(b, p.unread)
		p.unread = p.unread[n:]
		return n, nil
	case p.eof:
		return 0, io.EOF
	}
	return 0, os.ErrDeadlineExceeded
}

func (p *pendingReader) Read(b []byte) (int, error) {
	for {
		p.mu.Lock()
		late := !p.dl.IsZero() && time.Now().After(p.dl)
		p.mu.Unlock()
		if late {
			return 0, os.ErrDeadlineExceeded
		}
		if n, err := p.TryRead(b); err != os.ErrDeadlineExceeded {
			return n, err
		}
		time.Sleep(time.Millisecond)
	}
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

func TestLinesThatWait(t *testing.T) {
	onBoth(t, Config{}, "", func(t *testing.T, c *client) {
		running := c.line("watch 0.01")
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

// TestManyLinesWait: more lines than are kept are not lost, but wait for being
// read.
func TestManyLinesWait(t *testing.T) {
	onBoth(t, Config{}, "", func(t *testing.T, c *client) {
		first := c.line("watch 0.01")
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
				c.await(c.line("watch 0.01"))
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

func (f *fuzzed) OnPending(func()) {}

func (f *fuzzed) TryRead(p []byte) (int, error) { return f.Read(p) }

func inputOf(b []byte) *fuzzed {
	f := &fuzzed{readConn: readConn{bytes.NewReader(b)}}
	f.input.ctx, f.input.conn = context.Background(), f
	return f
}

// FuzzCtrlC is about what a terminal in raw mode may send.
func FuzzCtrlC(f *testing.F) {
	f.Add([]byte("version\n\x03\nquit\n"))
	f.Add([]byte("\x03\x03version"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := &input{ctx: context.Background(), conn: readConn{bytes.NewReader(b)}, keys: true}
		for {
			line, err := in.line()
			if err != nil && !errors.Is(err, errLong) && !errors.Is(err, errInterrupted) {
				if err != io.EOF {
					t.Fatal(err)
				}
				return
			}
			if strings.ContainsRune(line, ctrlC) {
				t.Fatalf("%q", line)
			}
		}
	})
}
