package console

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"
)

// watch writes a line of figures now and then. A line from the peer ends it;
// so does the end of a person's input, but not of a script's, which has ended
// before the first figure.
func watch(ctx context.Context, s *session, args []string) error {
	every, lines := time.Second, 0
	if len(args) > 0 {
		d, err := duration(args[0])
		if err != nil {
			return fmt.Errorf("%s: %w", show(args[0]), err)
		}
		every = max(d, 10*time.Millisecond)
	}
	if len(args) > 1 {
		n, err := strconv.ParseUint(args[1], 10, 31)
		if err != nil || n == 0 || len(args) > 2 {
			return errors.New("takes seconds and a number of lines; try watch 1 60")
		}
		lines = int(n)
	}
	s.say("lazy: Enter ends it\n")
	fmt.Fprintf(s.out, "%-12s %11s %10s %10s %10s %5s %6s\n", "time", "goroutines", "heap", "next GC", "alloc/s", "GCs", "CPU")
	s.out.Flush()
	ended := make(chan struct{})
	if s.cfg.Person || lines == 0 {
		stop := s.lines.listen(s.cfg.Person, ended)
		defer stop()
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	last := readFigures()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
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
			now.goroutines, quantity(float64(now.heap), "bytes"), quantity(float64(now.goal), "bytes"),
			quantity(float64(now.allocated-last.allocated)/passed.Seconds(), "bytes"), now.cycles-last.cycles, cpu)
		s.out.Flush()
		if n == lines {
			return nil
		}
		last = now
	}
}

// figures are what watch compares from line to line.
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
