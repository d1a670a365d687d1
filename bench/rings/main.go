//go:build linux

// Command rings sends an armed nats-server very many rings, from several
// processes at once, while it works, and looks whether it survives.
//
//	GOWORK=off go run ./rings -h
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/bench/internal/load"
	"github.com/go-manhole/lazy/bench/internal/natsd"
	"github.com/go-manhole/lazy/bench/internal/poke"
	"github.com/go-manhole/lazy/bench/internal/target"
)

type flags struct {
	rings, processes int
	tagged           float64
	tag              uint64
	signals          bool
	heedless         bool
	workers          int
	rate             float64
	limit            time.Duration
}

func main() {
	ringIfChild()
	target.RunIfChild(map[string]target.Server{"nats": natsd.Serve})

	var f flags
	flag.IntVar(&f.rings, "rings", 100_000, "how many rings in all")
	flag.IntVar(&f.processes, "processes", 8, "how many processes ring")
	flag.Float64Var(&f.tagged, "tagged", 0.5, "which share of the rings is tagged")
	flag.Uint64Var(&f.tag, "tag", poke.Tag, "the value of a tagged ring")
	flag.BoolVar(&f.signals, "signals", false, "let nats-server handle signals itself; a plain ring then shuts it down, so this needs -tagged 1")
	flag.BoolVar(&f.heedless, "heedless", false, "ring without waiting until a ring is taken: the kernel drops most, since it keeps only one of a kind")
	flag.IntVar(&f.workers, "workers", 4, "connections that make requests")
	flag.Float64Var(&f.rate, "rate", 500, "requests per second in all; 0 is as fast as possible")
	flag.DurationVar(&f.limit, "limit", 6*time.Hour, "give up after this time")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "rings sends an armed nats-server very many rings while it works under load,\ncollects garbage, starts children and changes who is notified of the signal.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 || f.rings < 1 || f.processes < 1 || f.workers < 1 || f.tagged < 0 || f.tagged > 1 || f.signals && f.tagged < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, done := context.WithTimeout(ctx, f.limit)
	defer done()
	good, err := storm(ctx, f)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rings:", err)
	}
	if err != nil || !good {
		os.Exit(1)
	}
}

// storm prints the report, and reports whether all is well.
func storm(ctx context.Context, f flags) (good bool, err error) {
	fmt.Printf("nats-server: %d rings from %d processes, %.0f %% of them tagged with %#x; %s, %d CPUs\n",
		f.rings, f.processes, f.tagged*100, f.tag, runtime.Version(), runtime.NumCPU())
	p, err := target.Start(target.Spec{Server: "nats", Armed: true, Signals: f.signals})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	plan := load.Plan{Workers: f.workers, Rate: f.rate, Dial: func() (load.Client, error) { return natsd.Dial(p.Addr) }}

	before, err := warmUp(ctx, p, plan, f)
	if err != nil {
		return false, err
	}

	if err := p.Churn(true); err != nil {
		return false, err
	}
	start := time.Now()
	ringing, over := context.WithCancel(ctx)
	defer over()
	requests := make(chan *load.Result, 1)
	go func() { requests <- plan.Run(ringing) }()
	sessions := make(chan sessions, 1)
	go func() { sessions <- talking(ringing, p) }()

	sent, ringErr := ringAll(ctx, p, f)
	took := time.Since(start)
	over()
	r, s := <-requests, <-sessions
	fmt.Printf("rings     %d sent in %v: %d plain, %d tagged (%d by pidfd); %d failed; at least %d taken\n",
		sent.Plain+sent.Queued+sent.Pidfd, took.Round(time.Millisecond), sent.Plain, sent.Queued+sent.Pidfd, sent.Pidfd, sent.Failed, sent.Taken)
	fmt.Printf("sessions  %d answered, %d failed\n", s.answered, s.failed)
	fmt.Printf("requests  %d, %d failed, p50 %v p99 %v max %v\n", r.Requests, r.Failed, r.Latency.Quantile(0.5), r.Latency.Quantile(0.99), r.Latency.Max())
	// A server that shuts down gently still serves the connections it has.
	if err := plan.Once(); err != nil && p.Alive() {
		return false, fmt.Errorf("after the storm: a new connection: %w", err)
	}
	if err := p.Churn(false); err != nil {
		return false, err // the process has crashed
	}
	after, left, err := p.Settle(before, 10*time.Second)
	if err != nil {
		return false, err
	}
	fmt.Printf("churn     %d collections, %d children (%d failed), %d times Notify and Stop, %d signals came to the program\n",
		after.Collections-before.Collections, after.Executed-before.Executed, after.ExecFailed-before.ExecFailed,
		after.Toggled-before.Toggled, after.Notified-before.Notified)
	fmt.Printf("CPU       %v\n", (after.CPU - before.CPU).Round(time.Millisecond))
	fmt.Printf("crash     none\n\n%s\nlog records of the library:\n%s\n", target.Table([]string{"before", "after"}, before, after), after.LogTable())

	for _, failure := range []error{ringErr, s.firstError, r.FirstError} {
		if failure != nil {
			left = append(left, failure.Error())
		}
	}
	if n := after.ExecFailed - before.ExecFailed; n > 0 {
		left = append(left, fmt.Sprintf("%d children failed", n))
	}
	if n := after.Notified - before.Notified; n > 0 && f.tagged == 1 && f.tag != 0 {
		left = append(left, fmt.Sprintf("%d tagged rings came to the program", n))
	}
	fmt.Println("left behind or failed:", text(left))
	return len(left) == 0 && ctx.Err() == nil, ctx.Err()
}

// warmUp does a little of everything, because the first time that a program
// uses something (os/exec, os/signal, the network) the runtime makes
// descriptors, threads and goroutines that it keeps.
func warmUp(ctx context.Context, p *target.Process, plan load.Plan, f flags) (target.Counts, error) {
	var none target.Counts
	if err := p.Churn(true); err != nil {
		return none, err
	}
	ctx, done := context.WithTimeout(ctx, 2*time.Second)
	defer done()
	requests := make(chan *load.Result, 1)
	go func() { requests <- plan.Run(ctx) }()
	ring := func() error { return poke.Ring(p.PID) }
	if f.signals {
		ring = func() error { return poke.RingTagged(p.PID, f.tag) }
	}
	_, err := poke.Session(p.Spec.Socket(), sessionLimit, ring)
	r := <-requests
	if err = errors.Join(err, r.FirstError, p.Churn(false)); err != nil {
		return none, fmt.Errorf("warming up: %w", err)
	}
	time.Sleep(time.Second) // the server notices that the connections are closed
	return p.Count()
}
