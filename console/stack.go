package console

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/internal/words"
	"github.com/go-manhole/lazy/stackdump"
)

// stack shows the goroutines. What it captured last, before any filter, stays
// with the session for "stack diff".
func stack(ctx context.Context, s *session, a *args.Parsed) error {
	filter := stackdump.Filter{
		State: a.Text("state"), Match: a.Pattern("match"), Label: a.Text("label"),
		MinWait: a.Duration("min-wait", time.Minute, "the runtime counts waits in whole minutes; try 1m"),
		ID:      a.ID("id"), System: a.Flag("system"),
	}
	render := stackdump.RenderOptions{Skipped: "of this session's own", Groups: a.Count("n")}
	if err := a.Err(); err != nil {
		return err
	}
	var full, diff, raw, json bool
	for _, w := range a.Words {
		switch w {
		case "full":
			full = true
		case "diff":
			diff = true
		case "raw":
			raw = true
		case "json":
			json = true
		default:
			return fmt.Errorf("unexpected argument %s; try full, diff, raw or json, and help stack", words.Show(w))
		}
	}
	if diff && json {
		return errors.New("stack diff has no JSON form; try stack diff, or compare two of stack json")
	}
	force, err := s.forced(a)
	if err != nil {
		return err
	}
	if raw {
		if len(a.Given) > 1 && !(force && len(a.Given) == 2) {
			return errors.New("raw is the runtime's own text and takes nothing but -force; try stack raw")
		}
		s.announceStop()
		return stackdump.WriteRaw(ctx, s.out, stackdump.Options{Force: force})
	}
	if full {
		s.announceStop()
	}
	dump, err := stackdump.Capture(ctx, stackdump.Options{Full: full, Force: force, SkipFunc: mark.Func})
	if err != nil {
		return s.howToForce(err, "stack raw, which is cut to fit", "stack", a)
	}
	before := s.last
	s.last = dump
	if !dump.Full && (filter.ID != 0 || filter.MinWait != 0) {
		return fmt.Errorf("ids and waits of %d goroutines need a full capture, which stops the world for about %s; try stack full",
			dump.Total, stackdump.Estimate(dump.Total))
	}
	name, done := descriptorNames()
	defer done()
	render.Descriptor = name
	switch now := dump.Filter(filter); {
	case json:
		largest(now, render.Groups)
		return now.WriteJSON(s.out)
	case !diff:
		return now.Render(s.out, render)
	}
	if before == nil {
		return errors.New("no earlier stacks in this session to compare with; the current ones are kept, so ask again later")
	}
	return stackdump.Diff(before.Filter(filter), dump.Filter(filter)).Render(s.out, render)
}

// largest reduces a dump to its n largest groups, unless n is 0. The others count as
// filtered.
func largest(d *stackdump.Dump, n int) {
	if n == 0 || n >= len(d.Groups) {
		return
	}
	for _, g := range d.Groups[n:] {
		d.Filtered += g.Count
	}
	d.Groups = d.Groups[:n]
}

// greetWithStacks is stack without arguments, for the report, which nobody asked
// for by name: stacks that do not fit into memory are no failure of it.
func greetWithStacks(ctx context.Context, s *session, a *args.Parsed) error {
	err := stack(ctx, s, a)
	if short(err) {
		fmt.Fprintf(s.out, "goroutines: left out, because %s\n", err)
		err = nil
	}
	return err
}

// announceStop shows a person how long the world will be stopped, before it is.
func (s *session) announceStop() {
	n := runtime.NumGoroutine()
	s.say("lazy: the world stops for about %s (%d goroutines)\n", stackdump.Estimate(n), n)
	s.out.Flush()
}
