//go:build linux

package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/go-manhole/lazy/bench/internal/poke"
	"github.com/go-manhole/lazy/bench/internal/target"
	"github.com/google/gops/signal"
)

// limit is how long the socket may take to open, and an answer to come.
const limit = 60 * time.Second

// A kind is one way to behave.
type kind struct {
	name    string
	hostile bool
	// behave returns the bytes that it read. It need not close the connection.
	behave func(conn *net.UnixConn, f flags) (read int64, err error)
	quiet  bool // says nothing and leaves, so that the socket may stay open
}

var kinds = []kind{
	{name: "script", behave: script},
	{name: "gops", behave: gops},
	{name: "person", behave: person},
	{name: "end of input at once", behave: report},

	{name: "vanishes at once", hostile: true, quiet: true, behave: vanish},
	{name: "says nothing", hostile: true, behave: silent},
	{name: "reads nothing", hostile: true, behave: deaf},
	{name: "garbage", hostile: true, behave: garbage},
	{name: "half a frame", hostile: true, behave: halfFrame},
	{name: "1 MB without a line end", hostile: true, behave: longLine},
	{name: "leaves within an answer", hostile: true, behave: cutShort},
	{name: "twenty at once", hostile: true, behave: twenty},
}

// stubborn reads nothing until the process drops it.
var stubborn = kind{name: "reads nothing till dropped", hostile: true, behave: func(conn *net.UnixConn, _ flags) (int64, error) {
	if err := flood(conn); err != nil {
		return 0, err
	}
	// The process closes its end while its answer still waits to be read, and
	// then nothing can be written any more.
	for start := time.Now(); time.Since(start) < limit; time.Sleep(50 * time.Millisecond) {
		conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
		if _, err := conn.Write([]byte("\n")); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, nil
		}
	}
	return 0, errors.New("it was not dropped")
}}

// meet has one session, and returns when the process is done with it.
func (k kind) meet(p *target.Process, f flags) (read int64, err error) {
	path := p.Spec.Socket()
	ring := func() error { return poke.Ring(p.PID) }
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		conn, err := poke.Open(path, limit, ring)
		if err != nil {
			return 0, err
		}
		conn.SetDeadline(time.Now().Add(limit))
		read, err = k.behave(conn, f)
		conn.Close()
		// A friendly peer may have come when the session before was about to
		// end. A hostile one has no way to know, hence the wait below.
		if k.hostile || !again(err) || time.Since(start) > limit {
			if k.hostile && !k.quiet {
				err = errors.Join(err, gone(path))
			}
			return read, err
		}
	}
}

// again reports whether a session was not had for no fault of the process.
func again(err error) bool { return errors.Is(err, poke.ErrBusy) || errors.Is(err, poke.ErrLost) }

// gone waits until the session is over, so that the next one is another.
func gone(path string) error {
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if time.Since(start) > limit {
			return errors.New("the session did not end")
		}
	}
}

func script(conn *net.UnixConn, _ flags) (int64, error) {
	answer, err := poke.Ask(conn, poke.Script, limit)
	return int64(len(answer)), expect(answer, err, "goroutines: ", "main.wait")
}

func gops(conn *net.UnixConn, _ flags) (int64, error) {
	answer, err := poke.Ask(conn, string([]byte{signal.Stats}), limit)
	return int64(len(answer)), expect(answer, err, "goroutines: ")
}

func report(conn *net.UnixConn, _ flags) (int64, error) {
	answer, err := poke.Ask(conn, "", limit)
	return int64(len(answer)), expect(answer, err, "goroutines: ", "main.wait")
}

// person says nothing until it is greeted.
func person(conn *net.UnixConn, _ flags) (int64, error) {
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return 0, poke.ErrLost
	}
	answer, err := poke.Ask(conn, "version\nquit\n", limit)
	if bytes.HasPrefix(answer, []byte("azy: busy")) {
		return 0, poke.ErrBusy
	}
	return int64(len(answer)), expect(answer, err, "goroutines: ", "main.wait", "go1.")
}

func expect(answer []byte, err error, parts ...string) error {
	for _, part := range parts {
		if err == nil && !bytes.Contains(answer, []byte(part)) {
			err = fmt.Errorf("no %q in the answer %.200q", part, answer)
		}
	}
	return err
}

func vanish(*net.UnixConn, flags) (int64, error) { return 0, nil }

func silent(_ *net.UnixConn, f flags) (int64, error) {
	// A peer that says nothing is greeted after 80 ms. Some leave before that.
	time.Sleep(4 * f.hold)
	return 0, nil
}

func deaf(conn *net.UnixConn, f flags) (int64, error) {
	err := flood(conn)
	time.Sleep(f.hold)
	return 0, err
}

// flood asks for more than a socket buffers.
func flood(conn *net.UnixConn) error {
	return hostileWrite(conn, bytes.Repeat([]byte("stack raw\n"), 20))
}

func garbage(conn *net.UnixConn, f flags) (int64, error) {
	text := make([]byte, 16<<10)
	rand.Read(text)
	// The low first bytes mean something: gops's commands, of which some take
	// half a minute and one changes a setting, and manhole-poke's.
	text[0] |= 0x80
	err := hostileWrite(conn, text)
	return readFor(conn, f.hold), err
}

// preface is what a client that speaks frames says first; see the package frame
// in internal.
const preface = "\x16lazy 2\n"

func halfFrame(conn *net.UnixConn, f flags) (int64, error) {
	err := hostileWrite(conn, []byte(preface+"L\x00\x00\x00\x01\x00\x00")) // not the whole length
	return readFor(conn, f.hold), err
}

func longLine(conn *net.UnixConn, f flags) (int64, error) {
	err := hostileWrite(conn, bytes.Repeat([]byte("x"), 1<<20))
	return readFor(conn, f.hold), err
}

func cutShort(conn *net.UnixConn, _ flags) (int64, error) {
	if err := hostileWrite(conn, []byte("stack raw\n")); err != nil {
		return 0, err
	}
	n, _ := io.ReadFull(conn, make([]byte, 1000))
	return int64(n), nil
}

// twenty come together; one of them has a session, the others are turned away.
func twenty(conn *net.UnixConn, f flags) (int64, error) {
	for range 19 {
		other, err := net.DialUnix("unix", nil, conn.RemoteAddr().(*net.UnixAddr))
		if err != nil {
			continue // the session may be over by now
		}
		defer other.Close()
		other.Write([]byte("stats\n"))
	}
	time.Sleep(f.hold)
	return 0, nil
}

// hostileWrite writes what the process need not take: it may end the session.
func hostileWrite(conn *net.UnixConn, text []byte) error {
	_, err := conn.Write(text)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err // it took nothing for very long, and did not end the session
	}
	return nil
}

// readFor reads for some time, or until the other end closes.
func readFor(conn *net.UnixConn, d time.Duration) int64 {
	conn.SetReadDeadline(time.Now().Add(d))
	n, _ := io.Copy(io.Discard, conn)
	return n
}
