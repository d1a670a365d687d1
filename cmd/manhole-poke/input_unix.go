//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

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
	first, err := unlessLeft(ctx, func() ([]byte, error) {
		buf := make([]byte, 64<<10)
		n, err := os.Stdin.Read(buf)
		return buf[:n], err
	})
	switch {
	case ctx.Err() != nil:
		return input{}, context.Cause(ctx)
	case err == io.EOF:
		return input{}, nil
	case err != nil:
		return input{}, failf(statusHere, "cannot read the script: %v; try </dev/null for the greeting, statistics and stacks", err)
	}
	return input{first: first, rest: os.Stdin}, nil
}

// gopsRequest is what a script says in gops's protocol, read to its end so that
// it can be said again.
func (in input) gopsRequest(ctx context.Context) ([]byte, error) {
	more := bufio.NewReader(io.MultiReader(bytes.NewReader(in.first[1:]), in.rest))
	return unlessLeft(ctx, func() ([]byte, error) { return gopsRequest(in.first[0], more) })
}

// unlessLeft is what read returns, which may wait long, or earlier the cause of
// ctx's end; read goes on then.
func unlessLeft[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case <-ctx.Done():
		return *new(T), context.Cause(ctx)
	case r := <-done:
		return r.v, r.err
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
