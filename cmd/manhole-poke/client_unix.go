//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/internal/frame"
	"golang.org/x/sys/unix"
)

// What lazy says in its own name outside of frames starts a line with one of
// these.
const (
	ownWords = "lazy: "
	refused  = ownWords + "refused:"
	busy     = ownWords + "busy:"
	closing  = ownWords + "closing:"
	failed   = ownWords + "error:"
)

func isOwn(line []byte) bool {
	for _, w := range []string{refused, busy, closing, failed} {
		if bytes.HasPrefix(line, []byte(w)) {
			return true
		}
	}
	return false
}

// turnedAway is the failure of a peer that got no session, and a line instead.
func turnedAway(p *process, line string) error {
	if strings.HasPrefix(line, busy) {
		err := failf(statusBusy, "%s says %q; wait for them, or ask them to leave", p, line)
		if holderHasLeft(line) {
			return passing{err}
		}
		return err
	}
	try := "try as the process's user, or as root"
	if os.Geteuid() == 0 {
		try = "root is refused by the program's own check (lazy.WithCheck), or in a user namespace; try as the process's user"
	}
	return failf(statusRefused, "%s says %q; %s", p, line, try)
}

// holderHasLeft tells from the line of who is turned away that whoever holds the
// session has ended, which the process is about to notice. Who has no PID is not
// seen by the process (pid_namespaces(7)), and may have.
func holderHasLeft(line string) bool {
	_, after, told := strings.Cut(line, "(pid ")
	digits, _, _ := strings.Cut(after, ")")
	pid, err := strconv.Atoi(digits)
	return !told || err == nil && pid > 0 && unix.Kill(pid, 0) == unix.ESRCH
}

// passing is a failure for which there is no reason any more in a moment, as
// between two sessions.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

func willPass(err error) bool { return errors.As(err, new(passing)) }

func (p *process) unheard() error {
	return passing{failf(statusBroken, "%s hung up without a word; its log may say why; try again", p)}
}

// A client is a session in frames, in which nothing has to be guessed: where
// an answer ends, whether it is one, and what is only said to a person.
type client struct {
	p        *process
	greeting frame.Greeting

	conn *net.UnixConn
	in   *bufio.Reader
	free func() bool // of the context that ends the session
	ctx  context.Context
}

// A sink is where the parts of an answer go. Progress and note may be nil.
type sink struct {
	out      io.Writer
	note     func(text string)
	progress func(frame.Advance)
}

// engage begins a session with a process that was connected to. wants are the
// options of frame.Opening. The process has patience to greet. The session
// ends with ctx, whose cause is then the error of whatever waits.
func engage(ctx context.Context, p *process, conn *net.UnixConn, patience time.Duration, wants ...string) (*client, error) {
	c := &client{p: p, conn: conn, in: bufio.NewReader(conn), ctx: ctx}
	c.free = context.AfterFunc(ctx, func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	// A process that turns us away has hung up already; its line is there.
	io.WriteString(conn, strings.Join(append([]string{frame.Opening}, wants...), " ")+"\n")
	err := c.greeted()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = p.silent("%s was connected to, but said nothing within %v; it may be too busy: try a longer -t", p, patience)
	}
	if err != nil {
		c.free()
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return c, nil
}

func (c *client) greeted() error {
	first, err := c.in.Peek(1)
	if err != nil {
		return c.over(err)
	}
	if first[0] == ownWords[0] {
		line, err := c.in.ReadString('\n')
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, refused) || strings.HasPrefix(line, busy) {
			return turnedAway(c.p, line)
		}
		return failf(statusBroken, "%s says %q, which is not understood (%v); try nc", c.p, line, err)
	}
	k, text, err := frame.Read(c.in)
	switch {
	case err != nil:
		return c.over(err)
	case k == frame.Closing:
		return c.closing(text)
	case k != frame.Hello:
		return c.garbled(k)
	}
	if err := json.Unmarshal(text, &c.greeting); err != nil {
		return failf(statusBroken, "%s greets in a way that is not understood (%v); try nc, or the manhole-poke of its version of lazy", c.p, err)
	}
	return nil
}

// close ends the session, and with it a command that runs.
func (c *client) close() {
	c.free()
	c.conn.Close()
	c.p.close()
}

// leave ends a session in which nothing runs, and returns when the process is
// ready for the next one.
func (c *client) leave() {
	c.conn.CloseWrite()
	c.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	io.Copy(io.Discard, c.in)
	c.close()
}

// interrupt cancels the command that runs. It may be called while answer
// waits in another goroutine.
func (c *client) interrupt() { c.conn.Write([]byte{frame.Interrupt}) }

// finish ends early what takes its time, as Enter does: a profile is then what
// it has become. Like interrupt, it may be called meanwhile.
func (c *client) finish() { c.conn.Write([]byte{'\n'}) }

// do has one line answered. failed is what is wrong if the command failed; err
// is about the session, which is over then, or about writing to the sink.
func (c *client) do(line string, s sink) (failed string, err error) {
	if _, err := io.WriteString(c.conn, line+"\n"); err != nil {
		return "", c.over(err)
	}
	return c.answer(s)
}

// answer passes on one answer.
func (c *client) answer(s sink) (failed string, err error) {
	for {
		k, text, err := frame.Read(c.in)
		if err != nil {
			return failed, c.over(err)
		}
		switch k {
		case frame.Output:
			switch _, err := s.out.Write(text); {
			case err != nil && c.ctx.Err() != nil:
				return failed, context.Cause(c.ctx)
			case err != nil:
				return failed, failf(statusHere, "cannot write the answer: %v", err)
			}
		case frame.Note:
			if s.note != nil {
				s.note(string(text))
			}
		case frame.Progress:
			var a frame.Advance
			if json.Unmarshal(text, &a) == nil && s.progress != nil {
				s.progress(a)
			}
		case frame.Error:
			failed = printable.Line(string(text))
		case frame.Done:
			return failed, nil
		case frame.Closing:
			return failed, c.closing(text)
		default:
			return failed, c.garbled(k)
		}
	}
}

func (c *client) garbled(k frame.Kind) error {
	return failf(statusBroken, "%s sends a frame of kind %q, which is not understood; try nc, or the manhole-poke of its version of lazy", c.p, byte(k))
}

func (c *client) closing(why []byte) error {
	return failf(statusBroken, "%s ended the session: %s; poke it again if you were not done", c.p, printable.Line(string(why)))
}

// over explains an error of the connection.
func (c *client) over(err error) error {
	switch {
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case c.p.exited():
		return failf(statusExited, "%s exited during the session; its own log may say why", c.p)
	case c.greeting.Text == "":
		return c.p.unheard()
	}
	return failf(statusBroken, "the connection to %s ended (%v) before all was said; try again", c.p, err)
}

// command finds the command that a line calls, for what is known of it.
func (c *client) command(words []string) (frame.Command, bool) {
	for n := min(2, len(words)); n > 0; n-- { // "stack diff" has an entry as well
		for _, known := range c.greeting.Commands {
			if known.Name == strings.Join(words[:n], " ") {
				return known, true
			}
		}
	}
	return frame.Command{}, false
}
