//go:build linux || darwin || freebsd

package main

import (
	"context"
	"os"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/top"
	"golang.org/x/term"
)

// maxShown is more than a person can look at.
const maxShown = 256

// top shows a live view of processes.
func (c *client) top(args []string) error {
	switch {
	case c.all && len(args) > 0:
		return usagef("either --all or %q, not both; try manhole-poke top --all", args[0])
	case !c.all && len(args) == 0:
		return usagef("top needs a target; try manhole-poke top PID, or manhole-poke top --all")
	case !isTerminal(c.stdin) || !isTerminal(c.stdout):
		return usagef("top needs a terminal; use watch instead: manhole-poke PID watch")
	case os.Getenv("TERM") == "dumb" || os.Getenv("TERM") == "":
		return usagef("top cannot move the cursor of this terminal (TERM is %q); use watch instead: manhole-poke PID watch", os.Getenv("TERM"))
	}
	if err := c.checkRestricted(); err != nil {
		return err
	}
	ro, err := c.ring()
	if err != nil {
		return err
	}
	targets, err := c.targets(args)
	switch {
	case err != nil:
		return err
	case len(targets) == 0:
		return exit.Errorf(exit.NotFound, "no-such-process", "there is no armed process that you may signal; list the Go processes with manhole-poke")
	case len(targets) > maxShown:
		return usagef("top shows at most %d processes, and these are %d; name some of them", maxShown, len(targets))
	}
	ctx, stop := untilSignalled()
	defer stop()
	defer c.restoreTerminal(ctx)()
	var shown []top.Target
	for _, t := range targets {
		name := t.Path
		if t.PID != 0 {
			name = process.NameOf(t.PID)
		}
		shown = append(shown, top.Target{PID: t.PID, Name: name, Connect: func(ctx context.Context) (*session.Session, error) {
			return session.Connect(ctx, t, ro, session.Options{Timeout: c.timeout})
		}})
	}
	return top.Run(ctx, shown, min(max(c.every, top.MinEvery), top.MaxEvery))
}

// restoreTerminal has the terminal restored, and this process exit, if a signal
// asks it to exit and it cannot: nothing can be written to a terminal that is
// stopped (Ctrl-S), or whose connection is.
func (c *client) restoreTerminal(ctx context.Context) (stop func()) {
	saved, err := term.GetState(int(c.stdin.Fd()))
	if err != nil {
		return func() {}
	}
	done := make(chan struct{})
	context.AfterFunc(ctx, func() {
		select {
		case <-done:
		case <-time.After(3 * time.Second):
			term.Restore(int(c.stdin.Fd()), saved)
			os.Exit(int(exit.StatusOf(context.Cause(ctx))))
		}
	})
	return func() { close(done) }
}
