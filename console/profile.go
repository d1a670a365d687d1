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

// A wish is what profile was asked for.
type wish struct {
	name  string
	d     time.Duration // 0 for what exists already
	delta bool          // only what changed in d
	text  bool
	rate  int
	gc    bool // collect garbage before
	proftop.Options
}

// profile takes the profile wanted[0], for wanted[1] if that is there, as the
// command was called with a.
func profile(ctx context.Context, s *session, a *args.Parsed, command string, wanted []string) error {
	p, err := wished(s, a, command, wanted)
	if err != nil {
		return err
	}
	force, err := s.forced(a)
	if err != nil {
		return err
	}
	if s.typed() && !p.text {
		return s.refuseBinary(append([]string{command}, a.Given...), p.name, ".pprof", "go tool pprof", "; or add -top to read the largest entries here")
	}
	if !force {
		if err := affordProfile(p.name, p.delta); err != nil {
			return s.howToForce(err, "metrics, or memstats", command, a)
		}
	}
	if !p.text && !p.delta {
		return p.collect(ctx, s, s.out)
	}
	var before, after bytes.Buffer
	var notes []string
	if p.delta {
		p.d, notes, err = p.collectBoth(ctx, s, &before, &after)
	} else {
		err = p.collect(ctx, s, &after)
	}
	if err != nil {
		return err
	}
	if !force {
		if err := afford("reading the profile "+p.name, topFactor*int64(before.Len()+after.Len())); err != nil {
			return s.howToForce(err, "it without -top and DURATION", command, a)
		}
	}
	raw, err := proftop.Unpack(after.Bytes())
	if err == nil && p.delta {
		after = bytes.Buffer{}
		var old []byte
		if old, err = proftop.Unpack(before.Bytes()); err == nil {
			before = bytes.Buffer{}
			skip := mark.Func
			if p.text {
				skip = "" // Write does that, and says how much
			}
			raw, err = proftop.Delta(old, raw, p.d, skip, notes...)
		}
	}
	if err != nil {
		return err
	}
	if !p.text {
		for _, n := range notes {
			s.say("lazy: %s\n", n)
		}
		return proftop.Pack(s.out, raw)
	}
	if err := proftop.Write(s.out, raw, p.Options); err != nil {
		return err
	}
	for _, n := range notes {
		s.out.WriteString(n + "\n")
	}
	if !p.Cumulative && p.Entries == 0 && !p.Tree && p.Focus == nil && p.Peek == nil {
		s.out.WriteString("to see more: -cum, -n N, -focus REGEXP, -peek REGEXP (callers and callees), -tree\n")
	}
	return nil
}

// wished reads the arguments of profile.
func wished(s *session, a *args.Parsed, command string, wanted []string) (*wish, error) {
	p := &wish{name: wanted[0], rate: a.Count("rate"), gc: a.Flag("gc")}
	p.Options = proftop.Options{
		Cumulative: a.Flag("cum"), Entries: a.Count("n"), Tree: a.Flag("tree"),
		Focus: a.Pattern("focus"), Peek: a.Pattern("peek"),
	}
	p.text = a.Flag("top") || p.Tree || p.Focus != nil || p.Peek != nil
	if err := a.Err(); err != nil {
		return nil, err
	}
	if p.d = takes(p.name); p.d == 0 && pprof.Lookup(p.name) == nil {
		return nil, fmt.Errorf("no profile %s; pprof lists them", words.Show(p.name))
	}
	total := a.Flag("total")
	switch {
	case a.Flag("list"):
		return nil, errors.New("-list needs the source code, and is done by manhole-poke: manhole-poke PID '" + command + " ... -list FUNC'; -peek FUNC is possible here")
	case len(wanted) > 2:
		return nil, fmt.Errorf("unexpected argument %s; try help %s", words.Show(wanted[2]), command)
	case s.cfg.ReadOnly && (p.rate != 0 || p.gc || p.name == "goroutineleak"):
		return nil, errReadOnly // the one switches sampling off afterwards, the others collect garbage
	case p.rate != 0 && p.name != "block":
		return nil, errors.New("-rate is for block; see help pprof")
	case p.gc && p.name != "heap" && p.name != "allocs":
		return nil, errors.New("-gc is for heap and allocs; see help pprof-heap")
	case total && !isContention(p.name):
		return nil, errors.New("-total is for block and mutex; see help pprof")
	case total && (p.rate != 0 || len(wanted) == 2):
		return nil, errors.New("-total is what was counted until now, so it takes neither a duration nor -rate")
	case len(wanted) == 2:
		var err error
		if p.d, err = args.Duration(wanted[1]); err != nil {
			return nil, fmt.Errorf("%s: %w", words.Show(wanted[1]), err)
		}
	}
	if total {
		p.d = 0
	}
	p.delta = p.d != 0 && p.name != "cpu"
	if p.delta || isContention(p.name) { // the session has next to nothing in the others
		p.SkipFunc = mark.Func
	}
	switch {
	case p.d != 0 && isContention(p.name):
		p.IfEmpty = "no wait ended in that time"
	case total:
		p.IfEmpty = "nothing was sampled; " + p.name + " 10s samples for that time"
	case p.delta:
		p.IfEmpty = "nothing changed in that time"
	}
	return p, nil
}

// collect writes the profile to w.
func (p *wish) collect(ctx context.Context, s *session, w io.Writer) error {
	if p.name == "cpu" {
		return cpuProfile(ctx, w, p.d, s.countdown("pprof cpu"))
	}
	if p.gc {
		if err := collectGarbage(ctx); err != nil {
			return err
		}
	}
	if p.name == "heap" || p.name == "allocs" {
		defer func() {
			if p.text && runtime.MemProfileRate <= 0 {
				s.out.WriteString("the program takes no samples of what it allocates (runtime.MemProfileRate is 0), so little or nothing is here; memstats counts everything\n")
			}
		}()
	}
	return pprof.Lookup(p.name).WriteTo(w, 0)
}

// collectBoth writes the profiles at the beginning and at the end. It returns
// the time between them, and what to say about them.
func (p *wish) collectBoth(ctx context.Context, s *session, before, after io.Writer) (took time.Duration, notes []string, err error) {
	if isContention(p.name) {
		stop := sample(s, p.name, p.rate)
		defer stop()
	}
	if err := p.collect(ctx, s, before); err != nil {
		return 0, nil, err
	}
	start, collected := time.Now(), readMetric("/gc/cycles/total:gc-cycles")
	if err := s.countdown("pprof "+p.name).wait(ctx, p.d); err != nil {
		return 0, nil, err
	}
	took = time.Since(start)
	quiet := *p
	quiet.text = false // what there is to say was said the first time
	if err := quiet.collect(ctx, s, after); err != nil {
		return 0, nil, err
	}
	note := "the difference over " + took.Round(time.Millisecond).String()
	switch {
	case isContention(p.name):
		notes = append(notes, note+"; "+onlyEnded())
	case p.name == "heap" || p.name == "allocs":
		n := readMetric("/gc/cycles/total:gc-cycles") - collected
		switch {
		case p.gc:
			note += ", with a collection before each of the two profiles"
		case n == 0:
			note += ", in which no collection ended: as both profiles show the heap as of the last one, nothing can be seen; -gc collects before each, or take longer"
		default:
			note += fmt.Sprintf(", in which %d collections ended: both profiles show the heap as of the last one before", n)
		}
		notes = append(notes, note)
	default:
		notes = append(notes, note)
	}
	return took, notes, nil
}

// onlyEnded says what profiles of contention do not have.
func onlyEnded() string {
	text := "only waits that have ended are counted; for those that go on see stack -state sync"
	if IsCommand("blocked") {
		text += ", and blocked"
	}
	return text
}

// collectGarbage returns when the garbage is collected, or ctx is done: where all
// processors are busy it takes minutes.
func collectGarbage(ctx context.Context) error {
	collected := make(chan struct{})
	go mark.Session(func() {
		defer close(collected)
		runtime.GC()
	})
	select {
	case <-collected:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takes returns how long a profile is collected by default; 0 means that it exists
// already.
func takes(name string) time.Duration {
	switch {
	case name == "cpu":
		return cpuTime
	case isContention(name):
		return blockTime
	}
	return 0
}

func isContention(name string) bool { return name == "block" || name == "mutex" }

func listProfiles(s *session) error {
	fmt.Fprintf(s.out, "%-16s for %s\n", "cpu", cpuTime)
	for _, p := range pprof.Profiles() {
		switch name := p.Name(); {
		case isContention(name) && p.Count() == 0:
			fmt.Fprintf(s.out, "%-16s 0, as nothing is sampled until you ask: pprof %s samples for %s\n", name, name, blockTime)
		case isContention(name):
			fmt.Fprintf(s.out, "%-16s %d with -total; without, it samples for %s\n", name, p.Count(), blockTime)
		case name == "goroutineleak" && p.Count() == 0:
			fmt.Fprintf(s.out, "%-16s 0, as nobody has looked: pprof goroutineleak collects garbage to find them\n", name)
		default:
			fmt.Fprintf(s.out, "%-16s %d\n", name, p.Count())
		}
	}
	s.out.WriteString("pprof NAME DURATION shows what changed in that time\n")
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
