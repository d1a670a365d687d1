//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/term"
)

// An input is what is said to the process.
type input struct {
	terminal bool
	first    []byte    // what was read ahead
	rest     io.Reader // nil if that was all
}

// report says whether there is nothing to say; then the process tells of
// itself and ends the session.
func (in input) report() bool { return !in.terminal && len(in.first) == 0 && in.rest == nil }

// standardInput reads the start of a script before anything is rung: a peer
// that is silent at first is taken for a person, so a script must be ready to
// speak.
func standardInput(ctx context.Context) (input, error) {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		return input{terminal: true, rest: os.Stdin}, nil
	}
	type chunk struct {
		data []byte
		err  error
	}
	c := make(chan chunk, 1)
	go func() {
		buf := make([]byte, 64<<10)
		n, err := os.Stdin.Read(buf)
		c <- chunk{buf[:n], err}
	}()
	select {
	case <-ctx.Done():
		return input{}, context.Cause(ctx)
	case r := <-c:
		switch {
		case r.err == io.EOF:
			return input{}, nil
		case r.err != nil:
			return input{}, failf(statusHere, "cannot read the script: %v; try </dev/null for the greeting, statistics and stacks", r.err)
		}
		return input{first: r.data, rest: os.Stdin}, nil
	}
}

// untilSignalled is a context that ends, with the failure to leave with, at a
// signal that asks to.
func untilSignalled() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // nohup's wish
			signal.Notify(c, s)
		}
	}
	go func() {
		select {
		case s := <-c:
			signal.Stop(c) // a second one ends even what cannot be interrupted
			sig := s.(syscall.Signal)
			cancel(failf(statusInterrupted+status(sig), "left on %s; the session is closed", signalName(sig)))
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(c)
		cancel(nil)
	}
}

// talk joins the input and the session until the process ends it, and closes
// the connection.
func talk(ctx context.Context, p *process, conn *net.UnixConn, in input, out io.Writer, greeting time.Duration) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	var typed atomic.Bool // a line, and nothing was shown since
	said := make(chan error, 1)
	go func() { said <- say(conn, in, &typed) }()

	person := in.terminal || in.report()
	if person {
		conn.SetReadDeadline(time.Now().Add(greeting))
	}
	a := &answers{w: out}
	var readErr, writeErr error
	for buf := make([]byte, 64<<10); readErr == nil && writeErr == nil; {
		var n int
		n, readErr = conn.Read(buf)
		if n > 0 {
			typed.Store(false)
			_, writeErr = a.Write(buf[:n])
			if person {
				conn.SetReadDeadline(time.Time{})
			}
		}
	}
	writeErr = errors.Join(writeErr, a.end())
	if f, ok := out.(*os.File); ok && a.passed && a.last != '\n' && in.terminal && !typed.Load() && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintln(f) // after the prompt that was not answered
	}

	var sayErr error
	select {
	case sayErr = <-said:
	default: // the process hung up first, as after quit
	}
	switch {
	case a.turnedAway != "":
		return turnedAway(p, a.turnedAway)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case writeErr != nil:
		return failf(statusHere, "cannot write the answers: %v", writeErr)
	case errors.Is(readErr, os.ErrDeadlineExceeded):
		return p.silent("%s was connected to, but said nothing within %v; it may be too busy: try a longer -t", p, greeting)
	case readErr != io.EOF || !a.heard() && person || a.closing != "" || errors.Is(sayErr, errPeer):
		return broken(p, a, readErr)
	case sayErr != nil:
		return failf(statusHere, "cannot read the rest of the script: %v", sayErr)
	case p.exited():
		return failf(statusExited, "%s exited during the session; its own log may say why", p)
	case a.failures > 0 && !in.terminal:
		return failf(statusCommand, "%s", commandsFailed(a))
	}
	return nil
}

// errPeer marks an error that is not the script's but the connection's.
var errPeer = errors.New("connection")

func say(conn *net.UnixConn, in input, typed *atomic.Bool) error {
	if _, err := conn.Write(in.first); err != nil {
		return errPeer
	}
	if in.rest != nil {
		buf := make([]byte, 64<<10)
		for {
			n, err := in.rest.Read(buf)
			if n > 0 {
				typed.Store(buf[n-1] == '\n')
				if _, err := conn.Write(buf[:n]); err != nil {
					return errPeer
				}
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
		}
	}
	conn.CloseWrite() // fails only if the peer is gone, which the reader sees
	return nil
}

func turnedAway(p *process, line string) error {
	if may([]byte(line), busy) {
		return failf(statusBusy, "%s says %q; wait for them, or ask them to leave", p, line)
	}
	return failf(statusRefused, "%s says %q; try as the process's user, or as root", p, line)
}

func broken(p *process, a *answers, err error) error {
	switch {
	case a.closing != "":
		return failf(statusBroken, "%s ended the session: %q; poke it again if you were not done", p, a.closing)
	case p.exited():
		return failf(statusExited, "%s exited during the session; its own log may say why", p)
	case !a.heard():
		return failf(statusBroken, "%s hung up without a word; its log may say why; try again", p)
	case err != io.EOF:
		return failf(statusBroken, "the connection to %s broke (%v) before all was said; try again", p, err)
	}
	return failf(statusBroken, "%s ended the session before all was said; try again with less, or without what follows a quit", p)
}

func commandsFailed(a *answers) string {
	if a.failures == 1 {
		return a.failure
	}
	return fmt.Sprintf("%d commands failed, the first: %s", a.failures, a.failure)
}
