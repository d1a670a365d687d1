//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/console"
	"github.com/go-manhole/lazy/internal/frame"
	"golang.org/x/term"
)

// poke holds a session with the only process or path that was named.
func (d door) poke(ctx context.Context, o options) error {
	if err := d.lookAhead(o); err != nil {
		return err
	}
	in, err := standardInput(ctx)
	if err != nil {
		return err
	}
	return d.hold(ctx, o, in)
}

// lookAhead tells a mistake before a script is waited for, which may take long;
// what it sees is looked at again then.
func (d door) lookAhead(o options) error {
	if d.pid != 0 {
		p, err := look(d.pid)
		if err == nil {
			_, err = p.doorbell(o)
			p.close()
		}
		return err
	}
	_, err := os.Lstat(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		p, err := ownerOf(d.path)
		if err == nil {
			p.close()
		}
		return err
	}
	if err != nil {
		return dialFailed(d.path, err)
	}
	return nil
}

// hold holds a session: typed, or a script.
func (d door) hold(ctx context.Context, o options, in input) error {
	if len(in.first) > 0 && console.IsGops(in.first[0]) {
		request, err := in.gopsRequest(ctx)
		if err != nil {
			return err
		}
		return d.attempt(ctx, o, func(p *process, conn *net.UnixConn) error {
			defer p.close()
			return relay(ctx, p, conn, request, os.Stdout)
		})
	}
	var wants []string
	typed := in.terminal && term.IsTerminal(int(os.Stdout.Fd()))
	if typed {
		wants = append(wants, frame.WantsProgress)
	}
	if in.terminal || in.report() {
		wants = append(wants, frame.WantsReport)
	}
	c, err := d.open(ctx, o, wants...)
	if err != nil {
		return err
	}
	defer c.close()
	if typed {
		return converse(ctx, o, c)
	}
	out := io.Writer(os.Stdout)
	if term.IsTerminal(int(os.Stdout.Fd())) {
		v := printable.NewWriter(out)
		defer v.Close()
		out = v
	}
	if in.terminal || in.report() {
		if _, err := fmt.Fprintln(out, c.greeting.Text); err != nil {
			return failf(statusHere, "cannot write the answers: %v", err)
		}
	}
	return c.script(in, out)
}
