package console

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/copynote"
	"github.com/go-manhole/lazy/internal/frame"
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
	if err := a.NoWords(); err != nil {
		return err
	}
	pack := a.Flag("gz")
	if s.typed() {
		extension, tool := ".core", "dlv core EXECUTABLE"
		if pack {
			extension, tool = ".core.gz", "gunzip"
		}
		return s.refuseBinary(append([]string{"core"}, a.Given...), "program", extension, tool, "; debuggers need the executable too: fetch it with binary")
	}
	c, err := s.takeCopy(maxCoreTime)
	if err != nil {
		return err
	}
	defer c.End()
	s.say("lazy: the program stood still for %v\n", c.Stood.Round(10*time.Microsecond))
	out := bufio.NewWriterSize(s.out, frame.MaxPayload)
	w := io.Writer(out)
	var packer *gzip.Writer
	if pack {
		packer, _ = gzip.NewWriterLevel(out, gzip.BestSpeed) // fails for an unknown level only
		w = packer
	}
	if err := c.WriteCore(ctx, w, s.bytesShown("core")); err != nil {
		return err
	}
	if ended, why := c.Ended(); ended {
		return fmt.Errorf("the file is not whole: %w", cmp.Or(why, errors.New("it took too long")))
	}
	if packer != nil {
		if err := packer.Close(); err != nil {
			return err
		}
	}
	return out.Flush()
}

// maxCoreTime is how long a copy may take to be written.
const maxCoreTime = time.Hour

// bytesShown returns a function that shows a client how much of an answer is
// sent, now and then.
func (s *session) bytesShown(what string) func(done, all int64) {
	if !s.person || !s.framed {
		return nil
	}
	var shown time.Time
	return func(done, all int64) {
		if done < all && time.Since(shown) < time.Second/4 {
			return
		}
		shown = time.Now()
		if text, err := json.Marshal(frame.Progress{What: what, Size: all, Done: done}); err == nil {
			s.put(frame.Progressing, text)
		}
	}
}
