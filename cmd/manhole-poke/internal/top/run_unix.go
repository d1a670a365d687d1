//go:build linux || darwin || freebsd

package top

import (
	"context"
	"sync"
	"time"

	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/color"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
)

// Run shows the processes until the person leaves, ctx ends, or all of them are
// gone. It returns the error to exit with. If no process gives a session, it
// returns with the error of the first before it touches the terminal.
func Run(ctx context.Context, targets []Target, every time.Duration) error {
	v := &view{ctx: ctx, updates: make(chan update)}
	var procs []*Proc
	for _, t := range targets {
		procs = append(procs, &Proc{PID: t.PID, Name: t.Name})
	}
	v.model = NewModel(procs, every)
	v.settings.every.Store(int64(every))
	v.settings.selected.Store(-1)
	v.settings.maxBytes = min(maxAnswer, maxAnswers/len(targets))
	v.settings.parse = make(chan struct{}, 2)
	v.start(targets)
	defer v.leave()
	if err := v.first(); err != nil {
		return err
	}
	return v.show()
}

// view is a run.
type view struct {
	ctx      context.Context
	model    *Model
	settings settings
	updates  chan update
	workers  []*worker
	leave    func()
}

// start starts a worker for each target.
func (v *view) start(targets []Target) {
	ctx, cancel := context.WithCancelCause(context.Background())
	quit, quitNow := context.WithCancel(v.ctx)
	var all sync.WaitGroup
	for i, t := range targets {
		w := &worker{i: i, target: t, settings: &v.settings, updates: v.updates, wake: make(chan struct{}, 1), now: make(chan struct{}, 1), cpu: make(chan struct{}, 1)}
		v.workers = append(v.workers, w)
		all.Go(func() { w.run(ctx, quit) })
	}
	v.leave = sync.OnceFunc(func() {
		quitNow()
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		// They say nothing more that anybody wants to hear.
		late := time.NewTimer(leaveTime)
		defer late.Stop()
		for {
			select {
			case <-v.updates:
			case <-late.C:
				cancel(errLeft)
			case <-done:
				cancel(errLeft)
				return
			}
		}
	})
}

// leaveTime is how long sessions get to end in order.
const leaveTime = time.Second

// first waits for the first session.
func (v *view) first() error {
	var failed error
	for !v.model.Over() {
		select {
		case u := <-v.updates:
			v.take(u)
			if u.began != nil {
				return nil
			}
			if failed == nil {
				failed = u.ended
			}
		case <-v.ctx.Done():
			return context.Cause(v.ctx)
		}
	}
	return failed
}

// take puts what a worker says into the model.
func (v *view) take(u update) {
	p := v.model.Procs[u.proc]
	switch {
	case u.began != nil:
		p.PID, p.Name = u.began.Process().PID, u.began.Process().Name
	case u.asked:
		p.Asked = time.Now()
	case u.sample != nil:
		p.Asked, p.Every = time.Time{}, u.every
		switch {
		case u.sample.Dump == nil:
			p.Notice = u.sample.Note
		case !v.model.Frozen || p.now == nil:
			p.Add(u.sample)
		}
	case u.profile != nil:
		p.CPU = *u.profile
	case u.ended != nil:
		p.Ended = u.ended
	}
}

// show has the terminal until the person leaves.
func (v *view) show() error {
	screen, err := newScreen()
	if err != nil {
		return exit.Errorf(exit.LocalIO, "terminal", "the terminal cannot be used: %v; use watch instead: manhole-poke PID watch", err)
	}
	defer screen.Fini()
	// A terminal to which nothing can be written must not keep the sessions.
	defer context.AfterFunc(v.ctx, v.leave)()
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	var drawn time.Time
	changed := true // by the person, who should see it at once
	news := false   // of a process
	for {
		if changed {
			v.draw(screen)
			drawn, changed, news = time.Now(), false, false
		}
		select {
		case e, ok := <-screen.EventQ():
			if done, err := v.handle(screen, e, ok); done {
				return err
			}
			changed = true
		case u := <-v.updates:
			news = true
			for more := true; more; {
				v.take(u)
				select {
				case u = <-v.updates:
				default:
					more = false
				}
			}
		case <-tick.C:
			changed = news || time.Since(drawn) > time.Second
		case <-v.ctx.Done():
			return context.Cause(v.ctx)
		}
	}
}

// drawEvery limits how often many processes have the screen drawn.
const drawEvery = 100 * time.Millisecond

// handle does what an event of the terminal asks for, and reports whether that
// is to leave.
func (v *view) handle(screen tcell.Screen, e tcell.Event, ok bool) (done bool, err error) {
	if !ok {
		return true, errTerminal
	}
	switch e := e.(type) {
	case *tcell.EventError:
		return true, errTerminal
	case *tcell.EventResize:
		screen.Sync()
	case *tcell.EventKey:
		if e.Key() == tcell.KeyCtrlC {
			return true, errInterrupted
		}
		if v.model.Over() {
			return true, v.model.Procs[len(v.model.Procs)-1].Ended
		}
		switch v.model.Press(keyOfEvent(e)) {
		case Quit:
			return true, nil
		case SampleCPU:
			for _, p := range v.model.shown() {
				p.CPU = Profile{Pending: p.Ended == nil}
			}
			v.each(func(w *worker) chan struct{} { return w.cpu })
		case SetInterval:
			v.settings.every.Store(int64(v.model.Every))
			v.settings.frozen.Store(v.model.Frozen)
			v.each(func(w *worker) chan struct{} { return w.wake })
		case Ask:
			v.each(func(w *worker) chan struct{} { return w.now })
		}
		v.settings.profile.Store(v.model.profile)
		v.settings.selected.Store(int64(v.model.Selected))
	}
	return false, nil
}

// each gives the workers of the processes that are shown a sign.
func (v *view) each(sign func(*worker) chan struct{}) {
	for i, w := range v.workers {
		if s := v.model.Selected; s >= 0 && s != i && sign(w) != w.wake {
			continue
		}
		select {
		case sign(w) <- struct{}{}:
		default: // it has one
		}
	}
}

var (
	errTerminal    = exit.Errorf(exit.LocalIO, "terminal", "the terminal is gone")
	errInterrupted = exit.Errorf(exit.Signalled+2, "interrupted", "left on Ctrl-C")
)

// newScreen returns the terminal, ready to be drawn on. Nothing is asked of it,
// so that no answer of it can be taken for keys.
func newScreen() (tcell.Screen, error) {
	tty, err := tcell.NewDevTty()
	if err != nil {
		return nil, err
	}
	screen, err := tcell.NewTerminfoScreenFromTty(tty, tcell.OptNegotiation(false), tcell.OptSanitizeContent(true))
	if err == nil {
		err = screen.Init()
	}
	return screen, err
}

func (v *view) draw(screen tcell.Screen) {
	width, height := screen.Size()
	screen.Clear()
	for y, l := range v.model.Render(width, height, time.Now()) {
		style := styleOf(l.Style)
		if l.Style == Head || l.Style == Cursor { // up to the edge
			screen.FillArea(0, y, width, 1, ' ', style)
		}
		screen.PutStrStyled(0, y, l.Text, style)
	}
	screen.Show()
}

func styleOf(s Style) tcell.Style {
	d := tcell.StyleDefault
	switch s {
	case Head:
		return d.Bold(true)
	case Cursor:
		return d.Reverse(true)
	case Growing:
		return d.Foreground(color.Yellow).Bold(true)
	case Alert:
		return d.Foreground(color.Red).Bold(true)
	case Faint:
		return d.Dim(true)
	}
	return d
}

var keys = map[tcell.Key]rune{
	tcell.KeyEnter: KeyEnter, tcell.KeyEscape: KeyEscape, tcell.KeyBackspace: KeyBackspace, tcell.KeyUp: KeyUp, tcell.KeyDown: KeyDown,
	tcell.KeyPgUp: KeyPageUp, tcell.KeyPgDn: KeyPageDown, tcell.KeyHome: KeyHome, tcell.KeyEnd: KeyEnd, tcell.KeyTab: KeyTab, tcell.KeyBacktab: KeyBacktab,
}

func keyOfEvent(e *tcell.EventKey) rune {
	if e.Key() == tcell.KeyRune {
		for _, r := range e.Str() {
			return r
		}
	}
	return keys[e.Key()]
}
