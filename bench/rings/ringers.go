//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/bench/internal/poke"
	"github.com/go-manhole/lazy/bench/internal/target"
	"golang.org/x/sys/unix"
)

// environment is the variable by which an executable knows that it is to ring.
// Its value is an order as JSON.
const environment = "LAZY_BENCH_RINGER"

// An order is what one process has to do.
type order struct {
	PID, Rings int
	Tagged     float64
	Tag        uint64
	Heedless   bool // do not wait until a ring is taken
}

// sent is what processes have done.
type sent struct {
	Plain, Queued, Pidfd int
	Failed               int
	Taken                int    // at least so many times a thread took the signal
	Error                string // the first one
}

func (s *sent) add(other sent) {
	s.Plain += other.Plain
	s.Queued += other.Queued
	s.Pidfd += other.Pidfd
	s.Failed += other.Failed
	s.Taken = max(s.Taken, other.Taken) // what one saw taken may be what others saw
	if s.Error == "" {
		s.Error = other.Error
	}
}

// ringIfChild does nothing in the process that the user started. In one that
// has to ring it does not return.
func ringIfChild() {
	text := os.Getenv(environment)
	if text == "" {
		return
	}
	var o order
	var s sent
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		s = sent{Failed: 1, Error: err.Error()}
	} else {
		s = o.carryOut()
	}
	json.NewEncoder(os.Stdout).Encode(s)
	os.Exit(0)
}

// carryOut rings as fast as it can, or as the process takes the rings. Tagged and plain rings alternate as their
// share demands, and so do the two ways to send a tagged one.
func (o order) carryOut() (s sent) {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	parent := os.Getppid()
	pidfd, err := unix.PidfdOpen(o.PID, 0)
	if err != nil {
		pidfd = -1 // forbidden or unknown: rt_sigqueueinfo then has to do
	}
	pending, err := openPending(o.PID)
	if err != nil {
		return sent{Failed: 1, Error: err.Error()}
	}
	defer pending.Close()
	due := 0.0
	for n := range o.Rings {
		if ctx.Err() != nil || n%1000 == 0 && os.Getppid() != parent {
			break // it is enough, or whoever wanted this is gone
		}
		var count *int
		due += o.Tagged
		switch {
		case due < 1:
			count, err = &s.Plain, poke.Ring(o.PID)
		case pidfd >= 0 && s.Pidfd <= s.Queued:
			count, err = &s.Pidfd, poke.RingPidfd(pidfd, o.Tag)
		default:
			count, err = &s.Queued, poke.RingTagged(o.PID, o.Tag)
		}
		if due >= 1 {
			due--
		}
		if err == nil {
			*count++
			if !o.Heedless && pending.wait() {
				s.Taken++
			}
			continue
		}
		s.Failed++
		if s.Error == "" {
			s.Error = err.Error()
		}
		if errors.Is(err, unix.ESRCH) {
			break // the process is gone, and its PID may be another's soon
		}
	}
	return s
}

// ringAll has all rings sent, and returns when that is done.
func ringAll(ctx context.Context, p *target.Process, f flags) (sent, error) {
	exe, err := os.Executable()
	if err != nil {
		return sent{}, err
	}
	var mu sync.Mutex
	var total sent
	var failures []error
	var running sync.WaitGroup
	for i := range f.processes {
		rings := f.rings / f.processes
		if i < f.rings%f.processes {
			rings++
		}
		text, err := json.Marshal(order{PID: p.PID, Rings: rings, Tagged: f.tagged, Tag: f.tag, Heedless: f.heedless})
		if err != nil {
			return total, err
		}
		running.Go(func() {
			cmd := exec.CommandContext(ctx, exe)
			// Ctrl-C at the terminal is for the parent; this process still reports
			// what it did.
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
			cmd.WaitDelay = 10 * time.Second
			cmd.Env = append(os.Environ(), environment+"="+string(text))
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			err := cmd.Run()
			if ctx.Err() != nil {
				err = nil // a cancelled command fails even if it ended well
			}
			var s sent
			if err == nil {
				err = json.Unmarshal(out.Bytes(), &s)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures = append(failures, fmt.Errorf("a process that rings: %w %s", err, errs.Bytes()))
			}
			total.add(s)
		})
	}
	running.Wait()
	if total.Failed > 0 {
		failures = append(failures, fmt.Errorf("%d rings could not be sent: %s", total.Failed, total.Error))
	}
	return total, errors.Join(failures...)
}
