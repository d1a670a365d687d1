//go:build linux || darwin || freebsd

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/inspect"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/ring"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/terminal"
	"github.com/go-manhole/lazy/internal/signame"
	"golang.org/x/term"
)

// ask runs the lines in each target and shows the answers. Without lines it
// holds a session with the only target; several are asked a script from
// standard input.
func (c *client) ask(r request) error {
	ro, err := c.ring()
	if err != nil {
		return err
	}
	ctx, stop := untilSignalled()
	defer stop()
	if c.out == "" {
		ctx = whileRead(ctx, c.stdout)
	}
	err = c.askUntil(ctx, ro, r)
	if errors.Is(err, errUnread) {
		return brokenPipe(c.stdout)
	}
	return err
}

func (c *client) askUntil(ctx context.Context, ro ring.Options, r request) (err error) {
	targets, err := c.targets(r.targets)
	if err != nil {
		return c.noTarget(r, err)
	}
	if len(targets) == 1 && !c.all {
		defer func() {
			err = belowWrapper(targets[0], err, func(target string) string {
				o := c.options
				switch {
				case len(o.commands) > 0 || len(r.lines) == 0:
					return o.commandLine(target)
				case len(r.lines) > 1:
					o.commands = []string{strings.Join(r.lines, "; ")}
					return o.commandLine(target)
				}
				return o.commandLine(target, commandWords(r.lines[0])...)
			})
		}()
	}
	lines := r.lines
	if lines == nil {
		if len(targets) == 1 {
			return c.poke(ctx, ro, targets[0])
		}
		if lines, err = c.scriptLines(ctx, r.targets); err != nil {
			return err
		}
	}
	if c.out != "" && len(lines) > 1 {
		return usagef("-o takes the answer of one command, not of %d; give one at a time", len(lines))
	}
	if len(targets) == 1 && !c.all && !c.json {
		return c.askOne(ctx, ro, targets[0], lines)
	}
	return c.askSeveral(ctx, ro, targets, lines)
}

// ring returns the options of the connection.
func (o options) ring() (ring.Options, error) {
	ro := ring.Options{Path: o.path, Timeout: o.timeout}
	if o.signal == "" {
		return ro, nil
	}
	sig, err := signame.Parse(o.signal)
	switch {
	case err != nil:
		return ro, exit.Errorf(exit.Usage, "bad-signal", "%v", err)
	case sig == syscall.SIGKILL || sig == syscall.SIGSTOP:
		return ro, exit.Errorf(exit.Usage, "bad-signal", "no process can catch %s; use the signal that it is armed for", signame.Name(sig))
	}
	ro.Signal = sig
	return ro, nil
}

// targets returns what the words stand for, one target for each process.
func (o options) targets(args []string) (all []ring.Target, err error) {
	if o.all {
		pids, err := process.Armed()
		for _, pid := range pids {
			all = append(all, ring.Target{PID: pid})
		}
		return all, err
	}
	for _, arg := range args {
		t, err := o.parseTarget(arg)
		if err != nil {
			return nil, err
		}
		switch i := slices.IndexFunc(all, t.Same); {
		case i < 0:
			all = append(all, t)
		case all[i].PID == 0:
			all[i] = t // a PID gets the signal for certain
		}
	}
	return all, nil
}

// parseTarget returns what a word stands for: a PID, a PATH, which contains a
// slash, or a NAME.
func (o options) parseTarget(word string) (ring.Target, error) {
	if strings.Contains(word, "/") {
		if o.path != "" {
			return ring.Target{}, usagef("-p needs a PID; to use a path, give it alone: manhole-poke %s", printable.Shell(word))
		}
		return ring.Target{Path: word}, nil
	}
	if strings.Trim(word, "-0123456789") == "" {
		pid, err := strconv.ParseUint(word, 10, 31)
		if err != nil || pid == 0 {
			return ring.Target{}, usagef("%q is not a PID, a NAME, or a PATH, which would contain a slash; list the Go processes with manhole-poke", word)
		}
		return ring.Target{PID: int(pid)}, nil
	}
	pid, err := byName(word, o.signal != "")
	return ring.Target{PID: pid}, err
}

// byName returns the PID of the process that has a name.
func byName(name string, unarmed bool) (int, error) {
	var hints []string
	for _, s := range subcommandsLike(name) {
		hints = append(hints, "the subcommand "+s)
	}
	return process.ByName(name, unarmed, hints...)
}

// poke holds a session with the only target.
func (c *client) poke(ctx context.Context, ro ring.Options, t ring.Target) error {
	// Report a mistake before reading a script, which may take long.
	if err := ring.Check(t, ro); err != nil {
		return err
	}
	in, err := readInput(ctx, c.stdin)
	if err != nil {
		return err
	}
	return c.hold(ctx, ro, t, in)
}

// hold holds a session, typed or a script.
func (c *client) hold(ctx context.Context, ro ring.Options, t ring.Target, in input) error {
	typed := in.terminal && isTerminal(c.stdout)
	report := in.terminal || in.empty()
	o := session.Options{Timeout: c.timeout, Progress: typed, Report: report}
	if typed {
		o.Columns, o.Lines, _ = term.GetSize(int(c.stdout.Fd()))
	}
	s, err := session.Connect(ctx, t, ro, o)
	if err != nil {
		return err
	}
	defer s.Close()
	if typed {
		return terminal.Converse(s, terminal.Config{Out: c.stdout, Err: c.stderr, Pager: c.pager, Restricted: c.restricted, Symbols: c.exe,
			Help: theManual().AtTerminal(inspect.Commands()), HelpOn: theManual().Help})
	}
	out := io.Writer(c.stdout)
	if isTerminal(c.stdout) {
		v := printable.NewWriter(out)
		defer v.Close()
		out = v
	}
	if report {
		if _, err := fmt.Fprintln(out, s.Greeting().Text); err != nil {
			return exit.Errorf(exit.LocalIO, "output", "cannot write the answers: %v", err)
		}
	}
	inspector := inspect.New(s, inspect.Options{Symbols: c.exe})
	return s.Script(in.reader(), out, func(line string) session.Waiter {
		if !inspector.Is(line) {
			return nil
		}
		return inspector.Start(line)
	})
}
