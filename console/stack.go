package console

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/stackdump"
)

// stack shows the goroutines. What it captured last, before any filter, stays
// with the session for "stack diff".
func stack(ctx context.Context, s *session, args []string) error {
	var filter stackdump.Filter
	render := stackdump.RenderOptions{Skipped: "of this session's own"}
	words, err := parse(args,
		text("state", &filter.State),
		pattern("match", &filter.Match),
		text("label", &filter.Label),
		option{name: "min-wait", set: func(v string) (err error) {
			filter.MinWait, err = duration(v)
			if err == nil && filter.MinWait < time.Minute {
				err = errors.New("the runtime counts waits in whole minutes; try 1m")
			}
			return err
		}},
		option{name: "id", set: func(v string) (err error) {
			if filter.ID, err = strconv.ParseUint(v, 10, 64); err != nil || filter.ID == 0 {
				err = errors.New("not the number of a goroutine")
			}
			return err
		}},
		count("n", &render.Groups),
		flag("system", &filter.System),
	)
	if err != nil {
		return err
	}
	var full, diff, raw, json bool
	for _, w := range words {
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
			return fmt.Errorf("%s is not understood; try full, diff, raw or json, and help stack", show(w))
		}
	}
	if diff && json {
		return errors.New("what changed is told as text only; try stack diff, or compare two of stack json")
	}
	if raw {
		if len(args) > 1 {
			return errors.New("raw is the runtime's own text and takes nothing else; try stack raw")
		}
		s.announceStop()
		return stackdump.WriteRaw(ctx, s.out)
	}
	if full {
		s.announceStop()
	}
	dump, err := stackdump.Capture(ctx, stackdump.Options{Full: full, SkipFunc: mark.Func})
	if err != nil {
		return err
	}
	before := s.last
	s.last = dump
	if !dump.Full && (filter.ID != 0 || filter.MinWait != 0) {
		return fmt.Errorf("ids and waits of %d goroutines are known only if the world is stopped, for about %s; try stack full",
			dump.Total, stackdump.Estimate(dump.Total))
	}
	switch now := dump.Filter(filter); {
	case json:
		largest(now, render.Groups)
		return now.WriteJSON(s.out)
	case !diff:
		return now.Render(s.out, render)
	}
	if before == nil {
		return errors.New("no earlier stacks in this session to compare with; these were kept, so ask again later")
	}
	return stackdump.Diff(before.Filter(filter), dump.Filter(filter)).Render(s.out, render)
}

// largest leaves the n largest groups of a dump, all if n is 0. The others
// count as filtered.
func largest(d *stackdump.Dump, n int) {
	if n == 0 || n >= len(d.Groups) {
		return
	}
	for _, g := range d.Groups[n:] {
		d.Filtered += g.Count
	}
	d.Groups = d.Groups[:n]
}

// announceStop tells a person, before it happens, how long the process will
// stand still.
func (s *session) announceStop() {
	n := runtime.NumGoroutine()
	s.say("lazy: the world stops for about %s (%d goroutines)\n", stackdump.Estimate(n), n)
	s.out.Flush()
}
