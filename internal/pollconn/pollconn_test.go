//go:build linux || darwin || freebsd

package pollconn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// unattended returns a Conn without a doorkeeper, and its peer.
func unattended(t *testing.T) (*Conn, *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[1]), "peer")
	defer f.Close()
	peer, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	return New(fds[0]), peer.(*net.UnixConn)
}

// pair returns a Conn with a doorkeeper, and its peer.
func pair(t *testing.T) (*Conn, *net.UnixConn) {
	t.Helper()
	c, peer := unattended(t)
	alarm, ended, stopped := c.Alarm(), make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-ended:
				return
			case <-alarm:
			}
			c.CallPending()
			c.Wake()
		}
	}()
	t.Cleanup(func() {
		close(ended)
		<-stopped
		c.Close()
		peer.Close()
	})
	return c, peer
}

func TestRead(t *testing.T) {
	c, peer := pair(t)
	b := make([]byte, 10)
	if n, err := c.TryRead(b); n != 0 || err != os.ErrDeadlineExceeded {
		t.Errorf("nothing to read: %d, %v", n, err)
	}
	c.SetReadDeadline(time.Now())
	if n, err := c.Read(b); n != 0 || err != os.ErrDeadlineExceeded {
		t.Errorf("after the deadline: %d, %v", n, err)
	}
	c.SetReadDeadline(time.Time{})
	time.AfterFunc(20*time.Millisecond, func() { c.SetReadDeadline(time.Now()) })
	if n, err := c.Read(b); n != 0 || err != os.ErrDeadlineExceeded {
		t.Errorf("a deadline that comes during Read: %d, %v", n, err)
	}
	c.SetReadDeadline(time.Time{})
	time.AfterFunc(20*time.Millisecond, func() { io.WriteString(peer, "hello") })
	if n, err := c.Read(b); string(b[:n]) != "hello" || err != nil {
		t.Errorf("%q, %v", b[:n], err)
	}
	io.WriteString(peer, "again")
	if n, err := c.TryRead(b); string(b[:n]) != "again" || err != nil {
		t.Errorf("%q, %v", b[:n], err)
	}
	peer.CloseWrite()
	if n, err := c.Read(b); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	c.Close()
	if _, err := c.Read(b); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestPeek(t *testing.T) {
	c, peer := pair(t)
	if _, said, eof := c.Peek(time.Millisecond); said || eof {
		t.Errorf("nothing said: %v, %v", said, eof)
	}
	if c.HasInput() {
		t.Error("input that nobody sent")
	}
	time.AfterFunc(20*time.Millisecond, func() { io.WriteString(peer, "x") })
	for range 2 {
		if first, said, eof := c.Peek(time.Hour); first != 'x' || !said || eof {
			t.Errorf("%q, %v, %v", first, said, eof)
		}
	}
	if !c.HasInput() {
		t.Error("no input")
	}
	c.Read(make([]byte, 1))
	peer.CloseWrite()
	if _, said, eof := c.Peek(time.Hour); said || !eof {
		t.Errorf("at the end: %v, %v", said, eof)
	}
	if c.HasInput() {
		t.Error("the end is no input")
	}
}

func TestWrite(t *testing.T) {
	c, peer := pair(t)
	all := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // more than a socket holds
	// One goroutine waits to read at the same time.
	read := make(chan string, 1)
	go func() {
		b := make([]byte, 10)
		n, _ := c.Read(b)
		read <- string(b[:n])
	}()
	got := make(chan []byte, 1)
	go func() {
		b := make([]byte, len(all))
		io.ReadFull(peer, b)
		io.WriteString(peer, "thanks")
		got <- b
	}()
	if n, err := c.Write(all); n != len(all) || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if !bytes.Equal(<-got, all) {
		t.Error("what arrived is not what was written")
	}
	if s := <-read; s != "thanks" {
		t.Errorf("%q", s)
	}
}

func TestWriteTimeout(t *testing.T) {
	defer func(d time.Duration) { WriteTimeout = d }(WriteTimeout)
	WriteTimeout = 20 * time.Millisecond
	c, _ := pair(t)
	if n, err := c.Write(make([]byte, 1<<22)); err == nil || n == 0 || err.Error() != "the peer read nothing for 20ms" {
		t.Errorf("%d, %v", n, err)
	}
}

func TestWriteToVanished(t *testing.T) {
	c, peer := pair(t)
	peer.Close()
	if _, err := c.Write([]byte("x")); !errors.Is(err, unix.EPIPE) { // and no SIGPIPE
		t.Error(err)
	}
}

func TestOnPending(t *testing.T) {
	c, peer := pair(t)
	var calls atomic.Int32
	var got lazytest.Buffer
	ended := make(chan bool)
	c.OnPending(func() {
		calls.Add(1)
		b := make([]byte, 100)
		n, err := c.TryRead(b)
		got.Write(b[:n])
		if err == io.EOF {
			c.OnPending(nil)
			close(ended)
		}
	})
	time.Sleep(5 * PollInterval)
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls with nothing to read", n)
	}
	io.WriteString(peer, "a line\n")
	lazytest.Eventually(t, "the bytes are taken", func() bool { return got.String() == "a line\n" })
	peer.CloseWrite()
	<-ended
	n := calls.Load()
	time.Sleep(5 * PollInterval)
	if calls.Load() != n {
		t.Error("called after OnPending(nil)")
	}
}

// A session goes on when the doorkeeper does not come.
func TestWithoutDoorkeeper(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.SetNonblock(fds[0], true)
	c := New(fds[0])
	defer c.Close()
	defer unix.Close(fds[1])
	time.AfterFunc(20*time.Millisecond, func() { unix.Write(fds[1], []byte("x")) })
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// The peer reads the end, and no error for what it sent in vain.
func TestClose(t *testing.T) {
	c, peer := pair(t)
	io.WriteString(peer, "unread")
	c.CloseWith("goodbye\n")
	if got, err := io.ReadAll(peer); string(got) != "goodbye\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := c.Close(); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	c.Pause() // returns
	if c.Vanished() {
		t.Error("closed here, not there")
	}
}
