package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/proftop"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/internal/words"
)

// Default durations: gops's for CPU profile and trace, and that of block and
// mutex.
const (
	cpuTime   = 30 * time.Second
	traceTime = 5 * time.Second
	blockTime = 10 * time.Second
)

// pprofHeap, pprofCPU and profiles (pprof NAME) answer with a file for go tool
// pprof, or with its largest entries if -top is given.

func pprofHeap(ctx context.Context, s *session, a *args.Parsed) error {
	return profile(ctx, s, a, "pprof-heap", append([]string{"heap"}, a.Words...))
}

func pprofCPU(ctx context.Context, s *session, a *args.Parsed) error {
	return profile(ctx, s, a, "pprof-cpu", append([]string{"cpu"}, a.Words...))
}

func profiles(ctx context.Context, s *session, a *args.Parsed) error {
	if len(a.Words) == 0 {
		return listProfiles(s)
	}
	return profile(ctx, s, a, "pprof", a.Words)
}

// profile takes the profile wanted[0], for wanted[1] if that is there, as the
// command was called with a.
func profile(ctx context.Context, s *session, a *args.Parsed, command string, wanted []string) error {
	text, rate := a.Flag("top"), a.Count("rate")
	options := proftop.Options{Cumulative: a.Flag("cum"), Entries: a.Count("n")}
	force, err := s.forced(a)
	if err != nil {
		return err
	}
	if err := a.Err(); err != nil {
		return err
	}
	name := wanted[0]
	d := takes(name)
	if d == 0 && pprof.Lookup(name) == nil {
		return fmt.Errorf("no profile %s; pprof lists them", words.Show(name))
	}
	switch {
	case len(wanted) > 2:
		return fmt.Errorf("unexpected argument %s; try help %s", words.Show(wanted[2]), command)
	case len(wanted) == 2 && d == 0:
		return fmt.Errorf("%s is taken at once, not for %s", name, words.Show(wanted[1]))
	case s.cfg.ReadOnly && (rate != 0 || name == "goroutineleak"):
		return errReadOnly // the one switches sampling off afterwards, the other collects garbage
	case rate != 0 && name != "block":
		return errors.New("-rate is for block; see help pprof")
	case len(wanted) == 2:
		var err error
		if d, err = args.Duration(wanted[1]); err != nil {
			return fmt.Errorf("%s: %w", words.Show(wanted[1]), err)
		}
	}
	if s.typed() && !text {
		return s.refuseBinary(append([]string{command}, a.Given...), name, ".pprof", "go tool pprof", "; or add -top to read the largest entries here")
	}
	if !force {
		if err := affordProfile(name); err != nil {
			return s.howToForce(err, "metrics, or memstats", command, a)
		}
	}
	out := io.Writer(s.out)
	var before, after bytes.Buffer
	if text {
		out = &after
		if name == "block" { // the session has next to nothing in the others
			options.SkipFunc = mark.Func
		}
		if name == "block" || name == "mutex" {
			// These two count since the process began.
			if err := pprof.Lookup(name).WriteTo(&before, 0); err != nil {
				return err
			}
		}
	}
	if err := collectProfile(ctx, s, out, name, d, rate); err != nil || !text {
		return err
	}
	if (name == "heap" || name == "allocs") && runtime.MemProfileRate <= 0 {
		s.out.WriteString("the program takes no samples of what it allocates (runtime.MemProfileRate is 0), so little or nothing is here; memstats counts everything\n")
	}
	if !force {
		if err := afford("the sum of the profile "+name, topFactor*int64(before.Len()+after.Len())); err != nil {
			return s.howToForce(err, "it without -top", command, a)
		}
	}
	return proftop.Write(s.out, before.Bytes(), after.Bytes(), options)
}

// collectProfile writes the profile to w. d and rate count only for those that
// take time.
func collectProfile(ctx context.Context, s *session, w io.Writer, name string, d time.Duration, rate int) error {
	p := s.countdown("pprof " + name)
	switch name {
	case "cpu":
		return cpuProfile(ctx, w, d, p)
	case "block":
		return blockProfile(ctx, s, w, d, rate, p)
	case "mutex":
		return mutexProfile(ctx, w, d, p)
	default:
		return pprof.Lookup(name).WriteTo(w, 0)
	}
}

// takes returns how long a profile is collected by default; 0 means that it exists
// already.
func takes(name string) time.Duration {
	switch name {
	case "cpu":
		return cpuTime
	case "block", "mutex":
		return blockTime
	}
	return 0
}

func listProfiles(s *session) error {
	fmt.Fprintf(s.out, "%-16s for %s\n", "cpu", cpuTime)
	for _, p := range pprof.Profiles() {
		if d := takes(p.Name()); d != 0 {
			fmt.Fprintf(s.out, "%-16s for %s\n", p.Name(), d)
		} else {
			fmt.Fprintf(s.out, "%-16s %d\n", p.Name(), p.Count())
		}
	}
	return nil
}

// cpuProfile writes a CPU profile of d.
//
// The profile is collected before it is sent: runtime/pprof holds its lock
// while it writes, and the program's own use of it must not wait for a slow
// peer. The runtime keeps the whole of it in memory anyway.
func cpuProfile(ctx context.Context, w io.Writer, d time.Duration, p *countdown) error {
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		return fmt.Errorf("%w; the program itself is profiling; try again when that has ended", err)
	}
	err := func() error {
		defer pprof.StopCPUProfile() // also after a panic
		return p.wait(ctx, d)
	}()
	if err != nil {
		return err
	}
	_, err = w.Write(profile.Bytes())
	return err
}
