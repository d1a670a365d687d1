package answer

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// started runs a printer for two processes, and returns what it has shown.
func started(t *testing.T, giveUp func(*Printer, int), asJSON bool, lines ...string) (p *Printer, shown *lazytest.Buffer, end func() error) {
	p = NewPrinter(queries(lines...), asJSON, []Reply{{PID: 1}, {PID: 2}})
	p.Quiet = 10 * time.Second
	p.GiveUp = func(k int, _ time.Duration) { giveUp(p, k) }
	shown = new(lazytest.Buffer)
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := p.Run(ctx, shown)
		ended <- err
	}()
	return p, shown, func() error {
		synctest.Wait()
		cancel(errors.New("cancelled"))
		return <-ended
	}
}

func shows(t *testing.T, shown *lazytest.Buffer, want string) {
	t.Helper()
	synctest.Wait()
	if got := shown.String(); got != want {
		t.Errorf("shown is %q, want %q", got, want)
	}
}

// Answers come in order; but not for long if one is late.
func TestPrinterOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := func(*Printer, int) { t.Error("given up") }
		p, shown, end := started(t, never, false, "version")
		time.Sleep(time.Minute)
		p.Answered(1, text("b\n"))
		time.Sleep(outOfOrder / 2)
		shows(t, shown, "")
		p.Answered(0, text("a\n"))
		p.Ended(0, nil)
		p.Ended(1, nil)
		shows(t, shown, "==> process 1 <==\na\n\n==> process 2 <==\nb\n")
		if err := end(); err != nil {
			t.Error(err)
		}

		p, shown, end = started(t, never, false, "version", "echo x")
		p.Answered(1, text("b\n"))
		p.Answered(1, text("x\n"))
		p.Ended(1, nil)
		time.Sleep(2 * outOfOrder)
		first := "version:\n==> process 2 <==\nb\n\necho x:\n==> process 2 <==\nx\n"
		shows(t, shown, first)
		p.Answered(0, text("a\n"))
		shows(t, shown, first+"\nversion:\n==> process 1 <==\na\n")
		if err := end(); err == nil {
			t.Error("it ended although one process had not")
		}
	})
}

// A process that says nothing, or little, does not withhold a table.
func TestPrinterGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, asJSON := range []bool{false, true} {
			p, shown, end := started(t, func(p *Printer, k int) { p.Ended(k, errors.New("silent")) }, asJSON, "stats")
			p.Began(0, 1, "good")
			p.Began(1, 2, "bad")
			time.Sleep(time.Minute) // nobody waits for it
			p.Answered(0, text("goroutines: 1\n"))
			p.Ended(0, nil)
			time.Sleep(p.Quiet / 2)
			p.Heard(1)
			time.Sleep(p.Quiet * 3 / 4)
			synctest.Wait()
			if !asJSON && shown.String() != "" {
				t.Errorf("%q", shown)
			}
			time.Sleep(p.Quiet)
			synctest.Wait()
			if !strings.Contains(shown.String(), "good") {
				t.Errorf("%q", shown)
			}
			if err := end(); err != nil {
				t.Error(err)
			}
		}

		// One that is busy with what was asked before is not given up.
		p, shown, end := started(t, func(*Printer, int) { t.Error("given up") }, false, "profile", "stats")
		p.Began(0, 1, "good")
		p.Began(1, 2, "busy")
		p.Answered(0, text("x\n"))
		p.Answered(0, text("goroutines: 1\n"))
		p.Ended(0, nil)
		time.Sleep(2 * p.Quiet)
		first := "profile:\n==> process 1 (good) <==\nx\n\nstats:\nPID  NAME  GOROUTINES\n1    good  1\n"
		shows(t, shown, first)
		p.Answered(1, text("y\n"))
		p.Answered(1, text("goroutines: 2\n"))
		p.Ended(1, nil)
		synctest.Wait()
		if !strings.HasPrefix(shown.String(), first) || !strings.HasSuffix(shown.String(), "\nstats:\nPID  NAME  GOROUTINES\n2    busy  2\n") {
			t.Errorf("%q", shown)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// Of a command of which nobody knows how long it takes, what it took elsewhere
// counts; a failure does not, and watch and tail have no end.
func TestPrinterPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var given atomic.Bool
		p, shown, end := started(t, func(p *Printer, k int) {
			given.Store(true)
			p.Ended(k, errors.New("silent"))
		}, false, "pprof-cpu 30s -top")
		p.Began(0, 1, "good")
		p.Began(1, 2, "bad")
		time.Sleep(30 * time.Second)
		p.Answered(0, text("x\n"))
		p.Ended(0, nil)
		time.Sleep(80 * time.Second)
		shows(t, shown, "==> process 1 (good) <==\nx\n")
		p.Heard(1)
		time.Sleep(80 * time.Second)
		if synctest.Wait(); given.Load() {
			t.Error("given up early")
		}
		time.Sleep(20 * time.Second)
		if err := end(); err != nil || !given.Load() {
			t.Error(given.Load(), err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		for line, a := range map[string]Answer{"tail": text("x\n"), "version": {Failed: "no such command"}} {
			p, _, end := started(t, func(*Printer, int) { t.Error("given up: " + line) }, false, line)
			p.Began(0, 1, "good")
			p.Began(1, 2, "busy")
			p.Answered(0, a)
			p.Ended(0, nil)
			time.Sleep(time.Hour)
			if err := end(); err == nil {
				t.Error("it ended")
			}
		}
	})
}
