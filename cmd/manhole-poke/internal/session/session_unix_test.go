//go:build linux || darwin || freebsd

package session

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/internal/frame"
)

// A server is the process's end of a session, played by the test.
type server struct {
	*net.UnixConn
	in      *bufio.Reader
	preface string
}

func (s *server) send(k frame.Kind, id uint32, text string) {
	frame.Write(s, frame.Frame{Kind: k, ID: id, Payload: []byte(text)})
}

// gets reads a frame.
func (s *server) gets(t *testing.T, k frame.Kind, id uint32, text string) {
	t.Helper()
	f, err := frame.Read(s.in)
	if err != nil || f.Kind != k || f.ID != id || string(f.Payload) != text {
		t.Errorf("got %c %d %q, %v; want %c %d %q", f.Kind, f.ID, f.Payload, err, k, id, text)
	}
}

// connected returns both ends of a connection.
func connected(t *testing.T) (client, other *net.UnixConn) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr)); err != nil {
		t.Fatal(err)
	}
	if other, err = l.AcceptUnix(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	return client, other
}

func opened(t *testing.T, ctx context.Context, o Options) (*Session, *server) {
	t.Helper()
	client, other := connected(t)
	peer := &server{UnixConn: other, in: bufio.NewReader(other)}
	peer.send(frame.Hello, 0, `{"text":"welcome\n","commands":[{"name":"stack","forms":[{"name":"diff"}]},{"name":"pprof","binary":true,"options":[{"name":"top","text":true}]}]}`)
	o.Timeout = time.Minute
	s, err := Open(ctx, client, process.Unseen(os.Getpid(), os.Geteuid()), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if peer.preface, err = peer.in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return s, peer
}

func TestAnswer(t *testing.T) {
	s, peer := opened(t, t.Context(), Options{Progress: true})
	if peer.preface != frame.Preface+" progress\n" {
		t.Errorf("%q", peer.preface)
	}
	r := s.Start("stack")
	peer.gets(t, frame.Line, 1, "stack")
	peer.send(frame.Note, 1, "by the way")
	peer.send(frame.Progressing, 1, `{"what":"it","seconds":3,"left":1}`)
	peer.send(frame.Output, 1, "half")
	peer.send(frame.Failed, 1, "stack: no\x1b")
	peer.send(frame.Done, 1, "")
	var out bytes.Buffer
	failed, err := r.Wait(Sink{Out: &out, Note: func(s string) { out.WriteString("[" + s + "]") }, Progress: func(p frame.Progress) { fmt.Fprintf(&out, "[%s %d/%d]", p.What, p.Left, p.Seconds) }})
	if want := "[by the way][it 1/3]half"; failed != "stack: no\ufffd" || err != nil || out.String() != want {
		t.Errorf("%q, %v, %q", failed, err, &out)
	}
	// Done, so these are not sent.
	r.Interrupt()
	r.Finish()
	s.Start("next")
	peer.gets(t, frame.Line, 2, "next")
}

// Requests are answered in order, and each can be interrupted and finished.
func TestRequests(t *testing.T) {
	s, peer := opened(t, t.Context(), Options{Report: true})
	report, one, two := s.Report(), s.Start("one"), s.Start("two")
	two.Interrupt()
	one.Finish()
	report.Interrupt()
	peer.gets(t, frame.Line, 1, "one")
	peer.gets(t, frame.Line, 2, "two")
	peer.gets(t, frame.Interrupt, 2, "")
	peer.gets(t, frame.Finish, 1, "")
	peer.gets(t, frame.Interrupt, 0, "")
	for id := range uint32(3) {
		peer.send(frame.Output, id, fmt.Sprint(id))
		peer.send(frame.Done, id, "")
	}
	for i, r := range []*Request{report, one, two} {
		var out bytes.Buffer
		if failed, err := r.Wait(Sink{Out: &out}); failed != "" || err != nil || out.String() != fmt.Sprint(i) {
			t.Errorf("%d: %q, %v, %q", i, failed, err, &out)
		}
	}
	long := strings.Repeat("x", frame.MaxLine+1)
	if failed, err := s.Do(long, Sink{}); failed != errTooLong || err != nil {
		t.Errorf("%q, %v", failed, err)
	}
}

// An answer that nobody takes is not read, so the process has to wait.
func TestBackPressure(t *testing.T) {
	s, peer := opened(t, t.Context(), Options{})
	r := s.Start("flood")
	peer.gets(t, frame.Line, 1, "flood")
	const total = 64 << 20
	sent := make(chan bool)
	go func() {
		defer close(sent)
		for range total / frame.MaxPayload {
			peer.send(frame.Output, 1, strings.Repeat("x", frame.MaxPayload))
		}
		peer.send(frame.Done, 1, "")
	}()
	select {
	case <-sent:
		t.Error("all of it was taken")
	case <-time.After(100 * time.Millisecond): // it cannot be seen that it waits for ever
	}
	var n counter
	if failed, err := r.Wait(Sink{Out: &n}); failed != "" || err != nil || n != total {
		t.Errorf("%q, %v, %d", failed, err, n)
	}
	<-sent
}

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

func TestEnds(t *testing.T) {
	cause := errors.New("why")
	for name, c := range map[string]struct {
		end  func(*Session, *server, context.CancelCauseFunc)
		want string
	}{
		"closing": {func(_ *Session, p *server, _ context.CancelCauseFunc) { p.send(frame.Closing, 0, "silent") }, "ended the session: silent"},
		"hung up": {func(_ *Session, p *server, _ context.CancelCauseFunc) { p.Close() }, "ended (EOF)"},
		"garbled": {func(_ *Session, p *server, _ context.CancelCauseFunc) { p.send(frame.Output, 7, "x") }, "for request 7"},
		"cut off": {func(_ *Session, p *server, _ context.CancelCauseFunc) { io.WriteString(p, "O\x00"); p.Close() }, "ended (unexpected EOF)"},
		"endless": {func(_ *Session, p *server, _ context.CancelCauseFunc) {
			p.send(frame.Output, 1, strings.Repeat("x", frame.MaxPayload+1))
		}, "the limit is 65536"},
		"aborted":   {func(s *Session, _ *server, _ context.CancelCauseFunc) { s.Abort(cause) }, "why"},
		"cancelled": {func(_ *Session, _ *server, cancel context.CancelCauseFunc) { cancel(cause) }, "why"},
		"closed":    {func(s *Session, _ *server, _ context.CancelCauseFunc) { s.Close() }, "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			s, peer := opened(t, ctx, Options{})
			r := s.Start("stack")
			peer.gets(t, frame.Line, 1, "stack")
			go c.end(s, peer, cancel)
			if _, err := r.Wait(Sink{Out: io.Discard}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			<-s.Ended()
			if err := s.Err(); !strings.Contains(err.Error(), c.want) {
				t.Errorf("then %v", err)
			}
			if _, err := s.Do("more", Sink{}); err != s.Err() {
				t.Errorf("and then %v", err)
			}
			s.Close()
		})
	}
}

// start opens a session with a peer that does what play does.
func start(t *testing.T, timeout time.Duration, play func(*net.UnixConn)) (*Session, error) {
	t.Helper()
	client, other := connected(t)
	go play(other)
	s, err := Open(t.Context(), client, process.Unseen(os.Getpid(), os.Geteuid()), Options{Timeout: timeout})
	if err == nil {
		t.Cleanup(s.Close)
	}
	return s, err
}

// Whatever a peer says before a session, and how slowly, is limited.
func TestHostileGreeting(t *testing.T) {
	repeat := func(text string, pause time.Duration) func(*net.UnixConn) {
		return func(c *net.UnixConn) {
			for _, err := io.WriteString(c, text); err == nil; _, err = io.WriteString(c, text) {
				time.Sleep(pause)
			}
		}
	}
	for name, test := range map[string]struct {
		play    func(*net.UnixConn)
		timeout time.Duration
		reason  string
	}{
		"endless refusal": {func(c *net.UnixConn) { io.WriteString(c, refused); repeat(strings.Repeat("x", 1<<16), 0)(c) }, time.Minute, "refused"},
		"endless line":    {repeat("lll", 0), time.Minute, "not-understood"},
		"slow refusal":    {func(c *net.UnixConn) { io.WriteString(c, refused); repeat("x", 10*time.Millisecond)(c) }, 100 * time.Millisecond, "refused"},
		"slow frame": {func(c *net.UnixConn) {
			io.WriteString(c, "H\x00\x00\x00\x00\x00\x00\xff\xff")
			repeat("x", 10*time.Millisecond)(c)
		}, 100 * time.Millisecond, "no-greeting"},
		"large frame": {repeat("H\x00\x00\x00\x00\xff\xff\xff\xff", 0), time.Minute, "hung-up"},
		"deep greeting": {func(c *net.UnixConn) {
			frame.Write(c, frame.Frame{Kind: frame.Hello, Payload: bytes.Repeat([]byte("["), frame.MaxPayload)})
		}, time.Minute, "not-understood"},
		"another greeting": {repeat("D\x00\x00\x00\x00\x00\x00\x00\x00", 0), time.Minute, "not-understood"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := start(t, test.timeout, test.play); exit.ReasonOf(err) != test.reason || len(err.Error()) > 2*maxRefusal {
				t.Errorf("%s, %.200q", exit.ReasonOf(err), err)
			}
		})
	}
}

// A peer may take its time to answer, but not stop in the middle of a frame.
func TestStalled(t *testing.T) {
	hello := func(c *net.UnixConn) { frame.Write(c, frame.Frame{Kind: frame.Hello, Payload: []byte(`{"text":"x"}`)}) }
	s, err := start(t, 50*time.Millisecond, func(c *net.UnixConn) {
		hello(c)
		time.Sleep(200 * time.Millisecond)
		io.WriteString(c, "O\x00\x00\x00\x01\x00\x00\x00\x05ab")
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do("stack", Sink{Out: io.Discard}); exit.ReasonOf(err) != "stalled" || exit.StatusOf(err) != exit.Timeout {
		t.Error(err)
	}
	s, err = start(t, 50*time.Millisecond, func(c *net.UnixConn) {
		hello(c)
		for range 3 {
			time.Sleep(200 * time.Millisecond)
			frame.Write(c, frame.Frame{Kind: frame.Output, ID: 1, Payload: []byte("x")})
		}
		frame.Write(c, frame.Frame{Kind: frame.Done, ID: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := s.Do("stack", Sink{Out: &out}); err != nil || out.String() != "xxx" {
		t.Errorf("%v, %q", err, &out)
	}
}

func TestSanitise(t *testing.T) {
	g := frame.Greeting{Text: "hi\x1b[2J\n", Commands: []frame.Command{
		{Name: "a\x1b"}, {Name: "b c"}, {Name: ""}, {Name: strings.Repeat("x", maxName+1)},
		{Name: "good", What: "x\ny\x1b", Notes: []string{"n\x1b"}, Example: "e\r", Forms: []frame.Form{{Name: "f", What: "\x1b"}, {Name: "\x1b"}},
			Options: []frame.Option{{Name: "o", What: "\x1b", Values: []string{"v", "\x1b"}}, {Name: "\n"}}, Args: []frame.Arg{{Name: "A", What: "\x1b"}, {Name: "\u202e"}}},
	}}
	for n := range 2 * maxCommands {
		g.Commands = append(g.Commands, frame.Command{Name: fmt.Sprint(n)})
	}
	sanitise(&g)
	text, err := json.Marshal(g)
	if err != nil || bytes.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) || bytes.Contains(text, []byte(`\u001b`)) {
		t.Errorf("%.1000s", text)
	}
	c := g.Commands[0]
	if len(g.Commands) != maxCommands-4 || c.Name != "good" || len(c.Forms) != 1 || len(c.Options) != 1 || len(c.Options[0].Values) != 1 || len(c.Args) != 1 || g.Text != "hi^[[2J\n" {
		t.Errorf("%d, %+v", len(g.Commands), c)
	}
}

func TestWriteFails(t *testing.T) {
	s, peer := opened(t, t.Context(), Options{})
	r := s.Start("stack")
	peer.send(frame.Output, 1, "x")
	out, in := io.Pipe()
	out.Close()
	if _, err := r.Wait(Sink{Out: in}); exit.ReasonOf(err) != "output" {
		t.Error(err)
	}
}

func TestLeave(t *testing.T) {
	s, peer := opened(t, t.Context(), Options{})
	go func() {
		io.ReadAll(peer.in)
		peer.Close()
	}()
	s.Leave()
}

// A Ctrl-C in a script interrupts what is not answered yet. Empty lines are not
// sent.
func TestScriptInterrupted(t *testing.T) {
	s, peer := opened(t, t.Context(), Options{})
	script, say := io.Pipe()
	var out bytes.Buffer
	ended := make(chan error)
	go func() { ended <- s.Script(script, &out, nil) }()
	io.WriteString(say, "block\n\n \r\nforgotten\x03next\n")
	peer.gets(t, frame.Line, 1, "block")
	peer.gets(t, frame.Line, 2, " ")
	interrupted := map[uint32]bool{}
	for range 2 {
		f, err := frame.Read(peer.in)
		if err != nil || f.Kind != frame.Interrupt {
			t.Fatal(f, err)
		}
		interrupted[f.ID] = true
	}
	if !interrupted[1] || !interrupted[2] {
		t.Error(interrupted)
	}
	peer.gets(t, frame.Line, 3, "next")
	say.Close()
	peer.send(frame.Failed, 1, "block: interrupted")
	for id := uint32(1); id <= 3; id++ {
		peer.send(frame.Done, id, "")
	}
	peer.Close()
	if err := <-ended; exit.ReasonOf(err) != "command-failed" || out.String() != "lazy: error: block: interrupted\n" {
		t.Errorf("%v, %q", err, &out)
	}
}

func TestCommand(t *testing.T) {
	s, _ := opened(t, t.Context(), Options{})
	c, form, ok := s.Command([]string{"stack", "diff"})
	if c.Name != "stack" || form == nil || form.Name != "diff" || !ok {
		t.Errorf("%+v, %v, %v", c, form, ok)
	}
	for _, words := range [][]string{nil, {""}, {"st"}} {
		if _, _, ok := s.Command(words); ok {
			t.Errorf("%q", words)
		}
	}
	for line, want := range map[string]bool{"stack": false, "pprof": false, "pprof heap": true, "pprof heap -top": false, "pprof --top heap": false, "pprof heap -top=x": false, "pprof 'heap": false} {
		if s.IsBinary(line) != want {
			t.Errorf("%s: %v", line, !want)
		}
	}
}
