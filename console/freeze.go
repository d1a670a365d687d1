package console

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/copynote"
	"github.com/go-manhole/lazy/internal/freeze"
)

const freezeTime = 10 * time.Minute

// freezeCopy makes a copy of the process and holds it until the peer has enough.
func freezeCopy(ctx context.Context, s *session, a *args.Parsed) error {
	if err := a.AtMost(1, "try help freeze"); err != nil {
		return err
	}
	d, err := a.WordDuration(0, freezeTime)
	if err != nil {
		return err
	}
	c, err := s.takeCopy(d)
	if err != nil {
		return err
	}
	defer c.End()
	if a.Flag("json") {
		s.out.Write(copynote.Note{
			PID: c.PID, Of: os.Getpid(), Taken: c.When, Until: c.Until, Pause: c.Stood, Goroutines: c.Goroutines,
			Exact: c.Inexact == "", Why: c.Inexact, Tracer: s.cfg.PeerPID,
		}.Marshal())
	} else {
		fmt.Fprintf(s.out, "copy %d of process %d, taken %s, until %s: %d goroutines; the program stood still for %v\n",
			c.PID, os.Getpid(), c.When.Format(time.TimeOnly+".000"), c.Until.Format(time.TimeOnly), c.Goroutines, c.Stood.Round(10*time.Microsecond))
		if c.Inexact != "" {
			fmt.Fprintf(s.out, "goroutines that were running are shown where they last waited: %s\n", c.Inexact)
		}
		fmt.Fprintf(s.out, "dlv attach %d\ngdb -p %d\n", c.PID, c.PID)
	}
	s.say("lazy: Enter ends the copy\n")
	enough := s.enough(s.person)
	s.endless()
	for {
		s.out.Flush()
		if err := ctx.Err(); err != nil {
			return err
		}
		if ended, why := c.Ended(); ended {
			return why
		}
		if s.waitFor(enough, 100*time.Millisecond) {
			return nil
		}
	}
}

// takeCopy makes a copy of the process for the peer.
func (s *session) takeCopy(d time.Duration) (*freeze.Copy, error) {
	if err := s.cfg.MayDebug; err != nil {
		return nil, fmt.Errorf("a copy has all that is in the memory of the process: %w", err)
	}
	if err := freeze.Check(); err != nil {
		return nil, err
	}
	s.say("lazy: the program will stand still for about %v\n", freeze.Estimate().Round(time.Millisecond))
	s.out.Flush()
	return freeze.Take(freeze.Request{For: d, Tracer: s.cfg.PeerPID, Pause: s.pause})
}

// core writes a core file of a copy of the process.
func core(ctx context.Context, s *session, a *args.Parsed) error {
	return errors.New("not yet")
}
