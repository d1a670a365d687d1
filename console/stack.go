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

const skippedBySession = "of this session's own"

// stack shows the goroutines. What it captured last, before any filter, stays
// with the session for "stack diff".
func stack(ctx context.Context, s *session, a *args.Parsed) error {
	return stackWith(ctx, s, a, true)
}

// stackWith is stack. objects is Options.Objects.
func stackWith(ctx context.Context, s *session, a *args.Parsed, objects bool) error {
	filter := filterOf(a)
	render := stackdump.RenderOptions{Skipped: skippedBySession, Groups: a.Count("n"), Full: "stack full"}
	if err := a.Err(); err != nil {
		return err
	}
	var full, diff, raw, json bool
	arguments := a.Flag("args")
	var within time.Duration
	for _, w := range a.Words {
		d, err := args.Duration(w)
		switch {
		case w == "full":
			full = true
		case w == "diff":
			diff = true
		case w == "raw":
			raw = true
		case w == "json":
			json = true
		case diff && within == 0 && err == nil:
			within = min(d, maxDiff)
		case diff:
			return fmt.Errorf("%s is %w; manhole-poke also takes a file that stack json wrote", words.Show(w), err)
		default:
			return fmt.Errorf("unexpected argument %s; try %s, or one of full, diff, raw and json", words.Show(w), filterFor(a, w))
		}
	}
	switch {
	case diff && json:
		return errors.New("stack diff has no JSON form; try stack diff, or compare two of stack json")
	case arguments && (diff || json || raw):
		return errors.New("-args is for stack and stack full; stack raw has all arguments anyway")
	case raw && (diff || json):
		return errors.New("raw is the runtime's own text; try stack raw without diff or json")
	}
	force, err := s.forced(a)
	if err != nil {
		return err
	}
	if raw {
		filter.Groups = render.Groups
		return s.raw(ctx, a, force, filter)
	}
	options := stackdump.Options{Full: full, Force: force, SkipFunc: mark.Func, Objects: objects, Args: arguments}
	before := s.last
	if within > 0 {
		if before, err = s.capture(ctx, a, options); err != nil {
			return err
		}
		if err := s.countdown("stack diff").wait(ctx, within); err != nil {
			return err
		}
	}
	dump, err := s.capture(ctx, a, options)
	if err != nil {
		return err
	}
	s.last = dump
	if arguments && !dump.Full {
		return fmt.Errorf("arguments of %d goroutines need a full capture, which stops the world for about %s; try stack full -args",
			dump.Total, stackdump.Estimate(dump.Total))
	}
	if !dump.Full && (len(filter.ID) > 0 || filter.MinWait != 0) {
		return fmt.Errorf("ids and waits of %d goroutines need a full capture, which stops the world for about %s; try stack full",
			dump.Total, dump.FullStop())
	}
	render.Descriptor = descriptorNames()
	switch {
	case json:
		filter.Groups = render.Groups
		return dump.Filter(filter).WriteJSON(s.out)
	case !diff:
		return dump.Filter(filter).Render(s.out, render)
	}
	if before == nil {
		return errors.New("no earlier stacks in this session to compare with; the current ones are kept, so ask again later")
	}
	return stackdump.Diff(before.Filter(filter), dump.Filter(filter)).Render(s.out, render)
}

// maxDiff is the longest time that stack diff waits.
const maxDiff = 24 * time.Hour

// filterOf returns the filter that the options ask for. Their errors are a.Err's.
func filterOf(a *args.Parsed) stackdump.Filter {
	return stackdump.Filter{
		State: a.Texts("state"), NotState: a.Texts("not-state"),
		Match: a.Patterns("match"), NotMatch: a.Patterns("not-match"),
		Label:   a.Texts("label"),
		MinWait: a.Longest("min-wait", time.Minute, "the runtime counts waits in whole minutes; try 1m"),
		ID:      a.IDs("id"), System: a.Flag("system"), FoldIdle: a.Flag("fold-idle"),
	}
}

func (s *session) capture(ctx context.Context, a *args.Parsed, o stackdump.Options) (*stackdump.Dump, error) {
	if o.Full {
		s.announceStop()
	}
	d, err := stackdump.Capture(ctx, o)
	return d, s.howToForce(err, "stack raw, which is cut to fit", "stack", a)
}

// raw writes the runtime's own text, of all goroutines if there is no filter.
func (s *session) raw(ctx context.Context, a *args.Parsed, force bool, filter stackdump.Filter) error {
	filters := len(a.Given) - len(a.Words)
	if force {
		filters--
	}
	s.announceStop()
	if filters == 0 {
		return stackdump.WriteRaw(ctx, s.out, stackdump.Options{Force: force})
	}
	d, err := stackdump.WriteRawOf(ctx, s.out, stackdump.Options{Force: force, SkipFunc: mark.Func}, filter)
	if err != nil {
		return s.howToForce(err, "stack raw without filters, which is cut to fit", "stack", a)
	}
	passed := 0
	for i := range d.Groups {
		passed += d.Groups[i].Count
	}
	s.say("lazy: %d of %d goroutines\n", passed, d.Total)
	return nil
}

// greetWithStacks is stack without arguments, for the report, which nobody asked
// for by name: stacks that do not fit into memory are no failure of it.
func greetWithStacks(ctx context.Context, s *session, a *args.Parsed) error {
	// A peer that only rings asks for no unusual system call.
	return s.withoutStacks(stackWith(ctx, s, a, false))
}

// withoutStacks shows an error about memory in the place of the stacks.
func (s *session) withoutStacks(err error) error {
	if short(err) {
		fmt.Fprintf(s.out, "goroutines: left out, because %s\n", err)
		err = nil
	}
	return err
}

// announceStop shows a person how long the world will be stopped, before it is.
func (s *session) announceStop() {
	n := runtime.NumGoroutine()
	stop := stackdump.Estimate(n)
	if s.last != nil && s.last.Total > 0 { // which knows how deep they are
		stop = max(stop, time.Duration(float64(s.last.FullStop())*float64(n)/float64(s.last.Total)).Round(10*time.Microsecond))
	}
	s.say("lazy: the world stops for about %s (%d goroutines)\n", stop, n)
	s.out.Flush()
}
