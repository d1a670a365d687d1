package console

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/format"
)

// A column is something that watch looks at: one or more cells of its lines.
type column struct {
	heads  []string
	widths []int // of the cells, at least

	// look returns the cells, for the time that has passed since the last
	// look. The first one only notes where counters begin.
	look func(ctx context.Context, passed time.Duration) ([]string, error)

	cost time.Duration // of the last look, if that is not next to nothing
}

// What watch looks at costs at most one part in busyShare of the time.
const busyShare = 20

const minWatch = 10 * time.Millisecond

// watch writes a line of figures at intervals. A line from the peer ends it; so
// does the end of a person's input, but not of a script's, which usually ends
// before the first line.
func watch(ctx context.Context, s *session, a *args.Parsed) error {
	names, every, lines, err := watchArguments(a.Words)
	if err != nil {
		return err
	}
	columns, err := s.columns(names, a)
	if err != nil {
		return err
	}
	s.say("lazy: Enter ends it\n")
	cost, err := look(ctx, columns, 0, nil)
	if err != nil {
		return err
	}
	last := time.Now()
	if every < cost*busyShare {
		s.say("lazy: a line every %s, not every %s, because a look takes %s\n",
			(cost * busyShare).Round(time.Millisecond), every, cost.Round(time.Microsecond))
	}
	fmt.Fprintf(s.out, "%-12s", "time")
	for _, c := range columns {
		for i, h := range c.heads {
			fmt.Fprintf(s.out, " %*s", c.widths[i], h)
		}
	}
	s.out.WriteByte('\n')
	s.out.Flush()
	var enough <-chan struct{}
	if s.person || s.framed || lines == 0 {
		enough = s.enough(s.person)
	}
	if lines == 0 {
		s.endless()
	}
	next := last
	for n := 1; ; n++ {
		next = next.Add(every)
		if earliest := time.Now().Add(cost * (busyShare - 1)); next.Before(earliest) {
			next = earliest
		}
		if err := sleep(ctx, enough, time.Until(next)); err != nil {
			return err
		}
		select {
		case <-enough:
			return nil
		default:
		}
		now := time.Now()
		fmt.Fprintf(s.out, "%-12s", now.Format("15:04:05.000"))
		cost, err = look(ctx, columns, now.Sub(last), func(width int, cell string) { fmt.Fprintf(s.out, " %*s", width, cell) })
		s.out.WriteByte('\n')
		s.out.Flush()
		if err != nil || n == lines {
			return err
		}
		last = now
	}
}

// look looks at all columns, calls show, if it is not nil, for each cell, and
// returns what that cost.
func look(ctx context.Context, columns []*column, passed time.Duration, show func(width int, cell string)) (cost time.Duration, err error) {
	for _, c := range columns {
		cells, err := c.look(ctx, passed)
		if err != nil {
			return 0, err
		}
		cost += c.cost
		for i, text := range cells {
			if show != nil {
				show(c.widths[i], text)
			}
		}
	}
	return cost, nil
}

// watchArguments tells names from the two numbers.
func watchArguments(words []string) (names []string, every time.Duration, lines int, err error) {
	errNumbers := errors.New("takes seconds and a number of lines; try watch 1 60")
	for _, w := range words {
		switch {
		case w == "" || w[0] != '-' && w[0] != '.' && (w[0] < '0' || w[0] > '9'):
			names = append(names, w)
		case every == 0:
			if every, err = args.Duration(w); err != nil {
				return nil, 0, 0, fmt.Errorf("%s: %w", format.Printable(w), err)
			}
		case lines == 0:
			if lines, err = args.Count(w); err != nil {
				return nil, 0, 0, errNumbers
			}
		default:
			return nil, 0, 0, errNumbers
		}
	}
	if every == 0 {
		every = time.Second
	}
	return names, max(every, minWatch), lines, nil
}

// columns returns what to look at.
func (s *session) columns(names []string, a *args.Parsed) (all []*column, err error) {
	const most = 16
	if len(names) > most {
		return nil, fmt.Errorf("%d are too many to look at; %d fit", len(names), most)
	}
	for _, name := range names {
		c, err := namedColumn(name)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	shorten(all)
	group, err := s.group(a)
	if err != nil {
		return nil, err
	}
	if group != nil {
		all = append(all, group)
	}
	if len(all) == 0 {
		all = append(all, usualWatch())
	}
	return all, nil
}

// usualWatch is what watch looks at if nothing else is asked for.
func usualWatch() *column {
	var last figures
	return &column{
		heads:  []string{"goroutines", "heap", "next GC", "alloc/s", "GCs", "CPU"},
		widths: []int{11, 10, 10, 10, 5, 6},
		look: func(_ context.Context, passed time.Duration) ([]string, error) {
			now := readFigures()
			cpu := "-"
			if now.cpuKnown {
				cpu = fmt.Sprintf("%.0f%%", 100*float64(now.cpu-last.cpu)/float64(passed))
			}
			cells := []string{
				fmt.Sprint(now.goroutines),
				format.Quantity(float64(now.heap), "bytes"), format.Quantity(float64(now.goal), "bytes"),
				format.Quantity(float64(now.allocated-last.allocated)/passed.Seconds(), "bytes"),
				fmt.Sprint(now.cycles - last.cycles), cpu,
			}
			last = now
			return cells, nil
		},
	}
}

// figures is what watch compares from line to line.
type figures struct {
	goroutines int
	heap, goal uint64
	allocated  uint64
	cycles     uint64
	cpu        time.Duration // of the process
	cpuKnown   bool
}

func readFigures() figures {
	f := figures{
		goroutines: runtime.NumGoroutine(),
		heap:       heap(),
		goal:       readMetric("/gc/heap/goal:bytes"),
		allocated:  readMetric("/gc/heap/allocs:bytes"),
		cycles:     readMetric("/gc/cycles/total:gc-cycles"),
	}
	f.cpu, f.cpuKnown = cpuUsed()
	return f
}
