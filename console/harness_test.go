package console

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// pair returns both ends of a unix connection.
func pair(t testing.TB) (ours, theirs *net.UnixConn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "console") // short, unlike t.TempDir: a socket's path is limited
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Skipf("no unix sockets here: %v", err)
	}
	defer l.Close()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return s.(*net.UnixConn), c.(*net.UnixConn)
}

// peeked is a connection of which Serve is told how its peer begins.
type peeked struct {
	Conn
	first byte
	said  bool
}

func (p peeked) Peek(time.Duration) (byte, bool, bool) { return p.first, p.said, false }

// person and script serve a peer of that kind, whatever it says and when.

func person(ctx context.Context, conn Conn, cfg Config) error {
	return second(Serve(ctx, peeked{conn, 0, false}, cfg))
}

func script(ctx context.Context, conn Conn, cfg Config) error {
	return second(Serve(ctx, peeked{conn, 'x', true}, cfg))
}

func second(_ string, err error) error { return err }

// talk sends a script and the end of it, and returns all that was answered.
func talk(t testing.TB, cfg Config, input string) string {
	t.Helper()
	return talkTo(t, script, cfg, input)
}

func talkTo(t testing.TB, serve func(context.Context, Conn, Config) error, cfg Config, input string) string {
	t.Helper()
	ours, theirs := pair(t)
	go func() {
		io.WriteString(theirs, input)
		theirs.CloseWrite()
	}()
	ended := make(chan error, 1)
	go func() {
		ended <- serve(context.Background(), ours, cfg)
		ours.Close()
	}()
	answer, err := io.ReadAll(theirs)
	if err != nil {
		t.Errorf("reading the answer: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	return string(answer)
}

// leaves nothing checks that the goroutines are those of before.
func leavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 200 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines before, now:\n%s", before, buf[:runtime.Stack(buf, true)])
	})
}

// neverReads returns a connection whose peer sends input and never reads: a
// write blocks until the connection is closed.
func neverReads(t *testing.T, input string) (ours, theirs net.Conn) {
	ours, theirs = net.Pipe()
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	go io.WriteString(theirs, input)
	return ours, theirs
}

// stuck waits until some goroutine stands in a write to the peer.
func stuck() { running("net.(*pipe).write(") }

// running waits until some goroutine is in the function.
func running(function string) {
	buf := make([]byte, 1<<20)
	for !bytes.Contains(buf[:runtime.Stack(buf, true)], []byte(function)) {
		time.Sleep(time.Millisecond)
	}
}
