//go:build linux || darwin || freebsd

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/internal/signame"
	"github.com/go-manhole/lazy/internal/words"
)

// An input is what is to be said to the process.
type input struct {
	terminal bool
	first    []byte    // what was read ahead
	rest     io.Reader // nil if that was all
}

// empty reports whether there is nothing to say; then the process reports on
// itself and ends the session.
func (in input) empty() bool { return !in.terminal && len(in.first) == 0 && in.rest == nil }

func (in input) reader() io.Reader {
	if in.rest == nil {
		return bytes.NewReader(in.first)
	}
	return io.MultiReader(bytes.NewReader(in.first), in.rest)
}

// readInput reads the start of a script before any process gets a signal, so
// that none waits for the script.
func readInput(ctx context.Context, f *os.File) (input, error) {
	if isTerminal(f) {
		return input{terminal: true, rest: f}, nil
	}
	first, err := whileWaiting(ctx, func() ([]byte, error) {
		buf := make([]byte, 64<<10)
		n, err := f.Read(buf)
		return buf[:n], err
	})
	switch {
	case ctx.Err() != nil:
		return input{}, context.Cause(ctx)
	case err == io.EOF:
		return input{}, nil
	case err != nil:
		return input{}, exit.Errorf(exit.LocalIO, "input", "cannot read the script: %v; try </dev/null for the greeting, statistics and stacks", err)
	}
	return input{first: first, rest: f}, nil
}

// scriptLines reads a script for several processes. Without one they are asked
// for statistics and stacks.
func (c *client) scriptLines(ctx context.Context, targets []string) (lines []string, err error) {
	in, err := readInput(ctx, c.stdin)
	switch {
	case err != nil:
		return nil, err
	case in.terminal:
		return nil, usagef("a session is with one process; give a command: manhole-poke %s stats", shellWords(words.Join(targets...)))
	case in.empty():
		return []string{"stats", "stack"}, nil
	}
	const max = 1 << 20 // each process gets all of it
	text, err := whileWaiting(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(in.reader(), max+1)) })
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, exit.Errorf(exit.LocalIO, "input", "cannot read the script: %v; try -c", err)
	case len(text) > max:
		return nil, exit.Errorf(exit.Usage, "script-too-long", "the script is longer than %d bytes; send it to one process at a time", max)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// whileWaiting returns what read returns, or earlier the cause of ctx's end; read
// goes on then.
func whileWaiting[T any](ctx context.Context, read func() (T, error)) (T, error) {
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

// untilSignalled returns a context that ends, with the error to exit with, at a
// signal that asks this process to.
func untilSignalled() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as nohup(1) wants it
			signal.Notify(c, s)
		}
	}
	go func() {
		select {
		case s := <-c:
			signal.Stop(c) // a second one ends even what cannot be interrupted
			sig := s.(syscall.Signal)
			cancel(exit.Errorf(exit.Signalled+exit.Status(sig), "interrupted", "left on %s", signame.Name(sig)))
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(c)
		cancel(nil)
	}
}
