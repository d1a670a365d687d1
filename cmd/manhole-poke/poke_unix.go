//go:build unix

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
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
	if strings.Contains(target, "/") {
		return pokePath(ctx, o, target)
	}
	pid, err := strconv.ParseUint(target, 10, 31)
	if err != nil || pid == 0 {
		return failf(statusUsage, "%q is neither a PID nor a PATH, which would contain a slash; try manhole-poke help", target)
	}
	// Looked at twice: the first time so that a mistake is told before a
	// script is waited for, the second because that may have taken long.
	p, err := look(int(pid))
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
	return pokeProcess(ctx, o, int(pid), in)
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
	return talk(ctx, p, conn, in, os.Stdout, o.timeout)
}

func pokePath(ctx context.Context, o options, path string) error {
	if o.path != "" {
		return failf(statusUsage, "-p goes with a PID; without one the path alone is enough: manhole-poke %s", path)
	}
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
	return talk(ctx, p, conn, in, os.Stdout, o.timeout)
}
