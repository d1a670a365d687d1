//go:build linux || darwin || freebsd

package top

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/stackdump"
)

// A Target is a process to be shown.
type Target struct {
	PID     int // 0 if it is not known yet
	Name    string
	Connect func(context.Context) (*session.Session, error)
}

const (
	// share is how much longer than the time that the answers cost a process is
	// left alone at least: so they cost at most 2 % of a CPU.
	share = 49

	cpuTick = 10 * time.Millisecond // that is how exactly the CPU time is known

	maxAnswers = 256 << 20 // bytes of the answers of all processes at one time
	maxAnswer  = 32 << 20  // and of one
)

// settings are what the workers take from the view.
type settings struct {
	every    atomic.Int64
	frozen   atomic.Bool
	profile  atomic.Bool // one CPU profile every profileEvery
	selected atomic.Int64
	maxBytes int
	parse    chan struct{} // a token for each dump that is parsed at the same time
}

// An update is what a worker says. One of the fields is set.
type update struct {
	proc    int
	began   *session.Session
	asked   bool
	sample  *Sample
	every   time.Duration // with sample: until the next
	profile *Profile
	ended   error
}

// A worker asks one process.
type worker struct {
	i        int
	target   Target
	settings *settings
	updates  chan<- update
	wake     chan struct{} // settings have changed
	now      chan struct{} // figures are wanted
	cpu      chan struct{} // a CPU profile is wanted
	profiled time.Time
	cost     time.Duration // of the answer before
}

// run asks until the context ends, or quit. Then it leaves the session so that
// the next one finds the process ready.
func (w *worker) run(ctx, quit context.Context) {
	s, err := w.target.Connect(ctx)
	if err != nil {
		w.report(ctx, update{ended: err})
		return
	}
	defer s.Close()
	w.report(ctx, update{began: s})
	for {
		err := w.round(ctx, quit, s)
		switch {
		case quit.Err() != nil:
			s.Leave()
			return
		case err != nil:
			w.report(ctx, update{ended: err})
			return
		}
	}
}

func (w *worker) report(ctx context.Context, u update) {
	u.proc = w.i
	select {
	case w.updates <- u:
	case <-ctx.Done():
	}
}

// round asks once, and waits until it is time to ask again.
func (w *worker) round(ctx, quit context.Context, s *session.Session) error {
	w.report(ctx, update{asked: true})
	sample, err := w.sample(ctx, quit, s)
	if err != nil {
		return err
	}
	// One costly answer is no reason to wait long.
	least := share * min(sample.Cost, cmp.Or(w.cost, sample.Cost))
	w.cost = sample.Cost
	every := func() time.Duration { return max(time.Duration(w.settings.every.Load()), least) }
	w.report(ctx, update{sample: sample, every: every()})
	asked := time.Now()
	for {
		due := time.NewTimer(time.Until(asked.Add(every())))
		if w.settings.frozen.Load() {
			due.Stop()
		}
		select {
		case <-quit.Done():
			return nil
		case <-s.Ended():
			return s.Err()
		case <-w.wake:
			due.Stop()
		case <-w.now:
			due.Stop()
			return nil
		case <-w.cpu:
			due.Stop()
			if err := w.takeProfile(ctx, quit, s); err != nil {
				return err
			}
		case <-due.C:
			selected := int(w.settings.selected.Load())
			if w.settings.profile.Load() && (selected < 0 || selected == w.i) && time.Since(w.profiled) >= profileEvery {
				return w.takeProfile(ctx, quit, s)
			}
			return nil
		}
	}
}

// sample asks for the stacks and the figures.
func (w *worker) sample(ctx, quit context.Context, s *session.Session) (*Sample, error) {
	begin := time.Now()
	before, _ := cpuUsed(s.Process().PID)
	sample := &Sample{}
	text, failed, err := w.ask(quit, s, metricsLine)
	switch {
	case err != nil:
		return nil, err
	case failed == "":
		sample.Metrics, err = ReadMetrics(text)
		if err != nil {
			failed = err.Error()
		}
	}
	if failed != "" {
		sample.Note = "no figures of memory and scheduler: " + failed
	}
	text, failed, err = w.ask(quit, s, "stack json")
	if err != nil {
		return nil, err
	}
	sample.When = time.Now()
	sample.Cost = sample.When.Sub(begin)
	if sample.CPU, sample.CPUKnown = cpuUsed(s.Process().PID); sample.CPUKnown && before > 0 {
		// The rest of the time it waited for a CPU, or slept.
		sample.Cost = min(sample.Cost, sample.CPU-before+cpuTick)
	}
	if failed == "" {
		w.settings.parse <- struct{}{}
		dump, err := stackdump.ReadJSON(text)
		<-w.settings.parse
		if err == nil {
			sample.Dump = dump
			return sample, nil
		}
		failed = err.Error()
	}
	sample.Note = "no stacks: " + failed
	return sample, nil
}

// takeProfile takes a CPU profile. If the program takes one itself, the process
// refuses.
func (w *worker) takeProfile(ctx, quit context.Context, s *session.Session) error {
	w.profiled = time.Now()
	text, failed, err := w.ask(quit, s, profileLine)
	if err != nil {
		return err
	}
	p := readProfile(text.String())
	if failed != "" {
		p = Profile{Err: failed}
	}
	p.When = time.Now()
	w.report(ctx, update{profile: &p})
	return nil
}

// ask returns the answer to a line, or why there is none.
func (w *worker) ask(quit context.Context, s *session.Session, line string) (text *bytes.Buffer, failed string, err error) {
	r := s.Start(line)
	defer context.AfterFunc(quit, r.Interrupt)()
	b := &bounded{left: w.settings.maxBytes, over: r.Interrupt}
	failed, err = r.Wait(session.Sink{Out: b})
	if b.left < 0 {
		failed = fmt.Sprintf("the answer takes more than %d MB", w.settings.maxBytes>>20)
	}
	return &b.Buffer, failed, err
}

// bounded holds an answer, unless it is too long.
type bounded struct {
	bytes.Buffer
	left int
	over func()
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left < 0 {
		return len(p), nil
	}
	if b.left -= len(p); b.left < 0 {
		b.Buffer = bytes.Buffer{}
		b.over()
		return len(p), nil
	}
	return b.Buffer.Write(p)
}

// errLeft is the cause with which sessions end that could not be left in time.
var errLeft = exit.Errorf(exit.Timeout, "stalled", "the view was left")
