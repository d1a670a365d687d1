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

// watch writes a line of figures at intervals. A line from the peer ends it; so
// does the end of a person's input, but not of a script's, which usually ends
// before the first line.
func watch(ctx context.Context, s *session, a *args.Parsed) error {
	every, err := a.WordDuration(0, time.Second)
	if err != nil {
		return err
	}
	every = max(every, 10*time.Millisecond)
	lines := 0
	if len(a.Words) > 1 {
		if lines, err = args.Count(a.Words[1]); err != nil || len(a.Words) > 2 {
			return errors.New("takes seconds and a number of lines; try watch 1 60")
		}
	}
	s.say("lazy: Enter ends it\n")
	fmt.Fprintf(s.out, "%-12s %11s %10s %10s %10s %5s %6s\n", "time", "goroutines", "heap", "next GC", "alloc/s", "GCs", "CPU")
	s.out.Flush()
	var enough <-chan struct{}
	if s.person || s.framed || lines == 0 {
		enough = s.enough(s.person)
	}
	if lines == 0 {
		s.endless()
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	last := readFigures()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-enough:
			return nil
		case <-ticker.C:
		}
		now := readFigures()
		passed := now.when.Sub(last.when)
		cpu := "-"
		if now.cpuKnown {
			cpu = fmt.Sprintf("%.0f%%", 100*float64(now.cpu-last.cpu)/float64(passed))
		}
		fmt.Fprintf(s.out, "%-12s %11d %10s %10s %10s %5d %6s\n", now.when.Format("15:04:05.000"),
			now.goroutines, format.Quantity(float64(now.heap), "bytes"), format.Quantity(float64(now.goal), "bytes"),
			format.Quantity(float64(now.allocated-last.allocated)/passed.Seconds(), "bytes"), now.cycles-last.cycles, cpu)
		s.out.Flush()
		if n == lines {
			return nil
		}
		last = now
	}
}

// figures is what watch compares from line to line.
type figures struct {
	when       time.Time
	goroutines int
	heap, goal uint64
	allocated  uint64
	cycles     uint64
	cpu        time.Duration // of the process
	cpuKnown   bool
}

func readFigures() figures {
	f := figures{
		when:       time.Now(),
		goroutines: runtime.NumGoroutine(),
		heap:       heap(),
		goal:       readMetric("/gc/heap/goal:bytes"),
		allocated:  readMetric("/gc/heap/allocs:bytes"),
		cycles:     readMetric("/gc/cycles/total:gc-cycles"),
	}
	f.cpu, f.cpuKnown = cpuUsed()
	return f
}
