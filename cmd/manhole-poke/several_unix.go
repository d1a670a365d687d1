//go:build linux || darwin || freebsd

package main

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/answer"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/inspect"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/outfile"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/ring"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/internal/commands"
)

// maxParallel limits the sessions at the same time, each of which takes
// descriptors. A process that keeps silent does not count: it must not keep
// others from being asked.
const maxParallel = 256

// askSeveral runs the lines in all targets at once, so that what takes its time
// covers the same time everywhere, and shows the answers together, as they come.
func (c *client) askSeveral(ctx context.Context, ro ring.Options, targets []ring.Target, lines []string) error {
	q := &several{client: c, ro: ro, targets: targets, queries: c.queries(lines), sessions: make([]*session.Session, len(targets))}
	if c.out != "" {
		for _, t := range targets {
			name := c.out
			if len(targets) > 1 {
				name = outfile.InsertBeforeExt(name, fileLabel(t))
			}
			f, err := c.createFile(ctx, name)
			if err != nil {
				return err
			}
			defer f.Discard()
			q.files = append(q.files, f)
		}
	}
	replies := make([]answer.Reply, len(targets))
	for i, t := range targets {
		replies[i].PID, replies[i].Path = t.PID, t.Path
		if t.PID != 0 {
			replies[i].Name = process.NameOf(t.PID) // now, as it may exit
		}
	}
	held := answer.MaxHeld
	if c.json {
		held /= 4
	}
	q.budget = answer.NewBudget(held)
	q.printer = answer.NewPrinter(q.queries, c.json, replies)
	q.printer.Quiet, q.printer.GiveUp = c.timeout, q.giveUp
	asking, cancel := context.WithCancelCause(ctx) // of which the pager knows nothing
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel(nil)
	all.Go(func() { q.askAll(asking) })

	if c.out != "" {
		return q.toFiles(ctx, lines)
	}
	out, shown := c.paged(ctx, lines, func() {})
	if out == c.stdout && isTerminal(c.stdout) {
		out = printable.NewWriter(out)
	}
	replies, err := q.printer.Run(ctx, out)
	cancel(nil) // of what still runs, nobody wants the answer
	shown()
	switch {
	case ctx.Err() != nil: // which may be why all of them failed
		return context.Cause(ctx)
	case err != nil:
		return exit.Errorf(exit.LocalIO, "output", "cannot write the answers: %v", err)
	}
	return answer.Outcome(c.stderr, replies)
}

// several asks several targets.
type several struct {
	*client
	ro      ring.Options
	targets []ring.Target
	queries []answer.Query
	files   []*outfile.File // one for each target, or nil
	budget  *answer.Budget
	printer *answer.Printer

	mu       sync.Mutex
	sessions []*session.Session // those that are open
}

// askAll asks all targets and returns when they have answered.
func (q *several) askAll(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	slots := make(chan struct{}, maxParallel)
	for i := range q.targets {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		done := make(chan struct{})
		all.Go(func() {
			defer close(done)
			err := q.ask(ctx, i)
			q.printer.Ended(i, exit.WithView(err, "")) // for programs, or beside others
		})
		all.Go(func() {
			defer func() { <-slots }()
			tick := time.NewTicker(q.timeout/4 + time.Millisecond)
			defer tick.Stop()
			for !q.printer.IsSilent(i) {
				select {
				case <-done:
					return
				case <-tick.C:
				}
			}
		})
	}
}

// ask asks one process.
func (q *several) ask(ctx context.Context, i int) error {
	s, err := session.Connect(ctx, q.targets[i], q.ro, session.Options{Timeout: q.timeout})
	if err != nil {
		return err
	}
	defer s.Close()
	q.mu.Lock()
	q.sessions[i] = s
	q.mu.Unlock()
	q.printer.Began(i, s.Process().PID, s.Process().Name)
	inspector := q.inspector(s)
	defer inspector.Release()
	for _, query := range q.queries {
		a := answer.Answer{}
		sink := session.Sink{}
		switch {
		case q.files != nil:
			sink.Out = &heard{w: q.files[i], heard: func() { q.printer.Heard(i) }}
		case s.IsBinary(query.Line):
			a.Failed = "the answer is binary; try -o FILE, which makes one for each process"
			q.printer.Answered(i, a)
			continue
		default:
			a.Held = q.budget.Buffer()
			sink.Out = &heard{w: a.Held, heard: func() { q.printer.Heard(i) }}
		}
		if a.Failed, err = inspector.Start(query.Sent).Wait(sink); err != nil {
			return err
		}
		q.printer.Answered(i, a)
	}
	inspector.Release()
	s.Leave()
	return nil
}

// giveUp ends the session with a process that withholds the answers of others.
func (q *several) giveUp(i int, silent time.Duration) {
	q.mu.Lock()
	s := q.sessions[i]
	q.mu.Unlock()
	if s != nil {
		s.Abort(exit.Errorf(exit.Timeout, "stalled", "%s did not answer within %v, while others did; it may be too busy: try a longer -t, or ask it alone", s.Process(), silent.Round(time.Millisecond)))
	}
}

// A heard reports that much was written. A process that says a little now and
// then would keep others waiting for ever.
type heard struct {
	w     io.Writer
	heard func()
	n     int
}

const much = 16 << 10

func (h *heard) Write(p []byte) (int, error) {
	if h.n += len(p); h.n >= much {
		h.n = 0
		h.heard()
	}
	return h.w.Write(p)
}

func (c *client) queries(lines []string) (all []answer.Query) {
	for _, line := range lines {
		if c.out != "" {
			all = append(all, answer.Verbatim(line))
		} else {
			all = append(all, answer.NewQuery(line, c.json, inspect.Merge(commands.Builtin())))
		}
	}
	return all
}

// fileLabel returns the part of a file name that identifies the target.
func fileLabel(t ring.Target) string {
	if t.PID != 0 {
		return strconv.Itoa(t.PID)
	}
	return strings.ReplaceAll(strings.Trim(t.Path, "/"), "/", "-")
}

// toFiles gives each file its name when its answer is complete.
func (q *several) toFiles(ctx context.Context, lines []string) error {
	var names []string
	replies, err := q.printer.Each(ctx, func(i int, r *answer.Reply) {
		if r.Err != nil {
			return
		}
		if why := r.Answers[0].Failed; why != "" { // which is shown nowhere else
			q.complain(r.Title() + ": " + why)
			return
		}
		if r.Err = q.commit(q.files[i], lines[0]); r.Err == nil {
			names = append(names, printable.Shell(q.files[i].Name()))
		}
	})
	if err != nil {
		return err
	}
	if tool := answer.Viewer(lines[0]); tool == "go tool pprof" && len(names) > 1 {
		q.complain("look at them merged with " + tool + " " + strings.Join(names, " "))
	}
	return answer.Outcome(q.stderr, replies)
}
