package console

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/stackdump"
)

// group returns the column for the goroutines that pass the filters, or nil if
// none was given.
func (s *session) group(a *args.Parsed) (*column, error) {
	filter, err := filterOf(a), a.Err()
	if err != nil || len(a.Given) == len(a.Words) {
		return nil, err
	}
	force, err := s.forced(a)
	if err != nil {
		return nil, err
	}
	if n := runtime.NumGoroutine(); n <= stackdump.DefaultLimit {
		s.say("lazy: each line stops the world for about %s (%d goroutines)\n", stackdump.Estimate(n), n)
	} else {
		s.say("lazy: each line stops the world for a moment and groups %d goroutines, which takes CPU time (see took)\n", n)
	}
	last := 0
	c := &column{
		heads:  []string{"matching", "change", "of", "took"},
		widths: []int{10, 8, 8, 10},
	}
	c.look = func(ctx context.Context, _ time.Duration) ([]string, error) {
		d, err := stackdump.Capture(ctx, stackdump.Options{Force: force, SkipFunc: mark.Func})
		if err != nil {
			return nil, s.howToForce(err, "watch without filters", "watch", a)
		}
		if !d.Full && (len(filter.ID) > 0 || filter.MinWait != 0) {
			return nil, fmt.Errorf("ids and waits of %d goroutines need a full capture, which watch does not take of so many; try stack full", d.Total)
		}
		c.cost = d.Elapsed
		n := 0
		for _, g := range d.Filter(filter).Groups {
			n += g.Count
		}
		change := n - last
		last = n
		return []string{
			fmt.Sprint(n), fmt.Sprintf("%+d", change), fmt.Sprint(d.Total - d.Skipped), d.Elapsed.Round(10 * time.Microsecond).String(),
		}, nil
	}
	return c, nil
}
