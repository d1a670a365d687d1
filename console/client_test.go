package console

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
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

func (f *fuzzed) OnPending(func()) {}

func (f *fuzzed) TryRead(p []byte) (int, error) { return f.Read(p) }
