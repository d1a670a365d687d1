//go:build linux || darwin || freebsd

package main

import (
	"context"
	"io"
	"slices"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/frozen"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/inspect"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/ring"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
)

// inCopy reports whether all lines can be answered without a session.
func inCopy(lines []string) bool {
	return !slices.ContainsFunc(lines, func(line string) bool { return !inspect.InCopy(line) })
}

// askLastResort answers the lines from a copy that the process's signal handler
// makes, if the process gave no session for that reason.
func (c *client) askLastResort(ctx context.Context, t ring.Target, lines []string, silent error) error {
	if t.PID == 0 {
		return silent
	}
	copied, _, err := c.lastResort(ctx, t.PID, silent)
	if err != nil {
		return err
	}
	defer copied.Close()
	i := inspect.Of(copied, inspect.Options{Symbols: c.exe})
	defer i.Release()
	out := io.Writer(c.stdout)
	if isTerminal(c.stdout) {
		v := printable.NewWriter(out)
		defer v.Close()
		out = v
	}
	var failures []string
	for _, line := range lines {
		r := i.Start(line)
		stop := context.AfterFunc(ctx, r.Interrupt)
		failed, err := r.Wait(session.Sink{Out: out})
		stop()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		if failed != "" {
			failures = append(failures, failed)
			if len(lines) > 1 {
				c.complain(failed)
			}
		}
	}
	return commandsFailed(failures, len(lines))
}

// lastResort has the signal handler of a process that gave no session make a copy,
// and says so. of is what the process is called. The error is silent if there is
// no copy.
func (c *client) lastResort(ctx context.Context, pid int, silent error) (copied *frozen.Copy, of string, err error) {
	p, err := process.Open(pid)
	if err != nil {
		return nil, "", silent
	}
	defer p.Close()
	if copied, err = frozen.LastResort(ctx, p); err != nil {
		c.complain(err.Error())
		return nil, "", silent
	}
	c.complain(silent.Error())
	c.complain("so the answer is from a copy that its signal handler made; goroutines that run on other threads are shown where they last waited")
	return copied, p.String(), nil
}
