package main

import (
	"errors"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/gopsagent"
)

// gopsDuration is how long gops may be used if --for does not say.
const gopsDuration = 10 * time.Minute

// gops lets the gops client use an armed process.
func (c *client) gops(args []string) error {
	if len(args) != 1 {
		return usagef("gops takes one PID; try manhole-poke gops PID, and gops stack PID beside it")
	}
	t, err := c.parseTarget(args[0])
	switch {
	case err != nil:
		return err
	case t.PID == 0:
		return usagef("gops takes a PID, not %q, because the gops client does; list the Go processes with manhole-poke", t)
	}
	ro, err := c.ring()
	if err != nil {
		return err
	}
	duration := c.duration
	if duration == 0 {
		duration = gopsDuration
	}
	// A reader of the output that goes, such as head, must not kill this
	// process, which has a file to remove.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := untilSignalled()
	defer stop()
	err = gopsagent.Serve(whileRead(ctx, c.stdout), t.PID, gopsagent.Options{Ring: ro, Duration: duration, Out: c.stdout, Err: c.stderr})
	if errors.Is(err, errUnread) {
		return exit.Errorf(exit.LocalIO, "output", "%v, so gops can no longer use the process", errUnread)
	}
	return belowWrapper(t, err, func(target string) string { return "manhole-poke gops " + target })
}
