//go:build unix

package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"

	"golang.org/x/term"
)

// poke opens a session with the process or path that target names.
func poke(o options, target string) error {
	if o.signal != "" {
		if _, err := parseSignal(o.signal); err != nil {
			return err
		}
	}
	ctx, stop := untilSignalled()
	defer stop()
	d, err := doorOf(o, target)
	if err != nil {
		return err
	}
	if d.pid == 0 {
		return pokePath(ctx, o, d.path)
	}
	// Looked at twice: the first time so that a mistake is told before a
	// script is waited for, the second because that may have taken long.
	p, err := look(d.pid)
	if err != nil {
		return err
	}
	_, err = p.doorbell(o)
	p.close()
	if err != nil {
		return err
	}
	in, err := standardInput(ctx)
	if err != nil {
		return err
	}
	return pokeProcess(ctx, o, d.pid, in)
}

func pokeProcess(ctx context.Context, o options, pid int, in input) error {
	p, err := look(pid)
	if err != nil {
		return err
	}
	defer p.close()
	conn, err := p.enter(ctx, o)
	if err != nil {
		return err
	}
	return attend(ctx, o, p, conn, in)
}

// attend holds the session with a process that was connected to.
func attend(ctx context.Context, o options, p *process, conn *net.UnixConn, in input) error {
	if in.terminal && term.IsTerminal(int(os.Stdout.Fd())) {
		return converse(ctx, o, p, conn)
	}
	return talk(ctx, p, conn, in, os.Stdout, o.timeout)
}

func pokePath(ctx context.Context, o options, path string) error {
	// As with a PID: a mistake is told before a script is waited for.
	if _, err := os.Lstat(path); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			return dialFailed(path, err)
		}
		p, err := ownerOf(path)
		if err != nil {
			return err
		}
		p.close()
	}
	in, err := standardInput(ctx)
	if err != nil {
		return err
	}
	p, conn, err := enterPath(ctx, o, path)
	if err != nil {
		return err
	}
	defer p.close()
	return attend(ctx, o, p, conn, in)
}
