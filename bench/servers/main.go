//go:build linux

// Command servers measures what lazy costs real servers: nats-server and caddy,
// armed and unarmed, poked and left alone.
//
//	GOWORK=off go run ./servers -h
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-manhole/lazy/bench/internal/caddyd"
	"github.com/go-manhole/lazy/bench/internal/load"
	"github.com/go-manhole/lazy/bench/internal/natsd"
	"github.com/go-manhole/lazy/bench/internal/poke"
	"github.com/go-manhole/lazy/bench/internal/target"
)

// A server can be measured.
type server struct {
	name string
	run  target.Server
	dial func(addr string) (load.Client, error)
}

var servers = []server{
	{"nats", natsd.Serve, natsd.Dial},
	{"caddy", caddyd.Serve, caddyd.Dial},
}

// A variant is one way to run a server.
type variant struct {
	name  string
	armed bool
	every time.Duration // between pokes; 0 is none
}

// variants begin with the one that the others are compared with. The last is
// the same once more: its ratios show what differences mean nothing.
var variants = []variant{
	{"unarmed", false, 0},
	{"armed", true, 0},
	{"poked 1/s", true, time.Second},
	{"poked 10/s", true, time.Second / 10},
	{"unarmed again", false, 0},
}

type flags struct {
	slice, warm time.Duration
	rounds      int
	workers     int
	rate        float64
	tagged      bool
	tag         uint64
}

func main() {
	run := map[string]target.Server{}
	for _, s := range servers {
		run[s.name] = s.run
	}
	target.RunIfChild(run)

	var f flags
	flag.DurationVar(&f.slice, "slice", 5*time.Second, "how long one slice is measured")
	flag.DurationVar(&f.warm, "warm", time.Second, "how long a process is under load before its slice is measured")
	flag.IntVar(&f.rounds, "rounds", 5, "slices of each variant")
	flag.IntVar(&f.workers, "workers", 4, "connections that make requests")
	flag.Float64Var(&f.rate, "rate", 2000, "requests per second in all; 0 is as fast as possible")
	flag.BoolVar(&f.tagged, "tagged", false, "ring with a tagged signal, and let nats-server handle signals itself, which is fatal for it if the library does not know the tag")
	flag.Uint64Var(&f.tag, "tag", poke.Tag, "the value of a tagged signal")
	only := flag.String("server", "", "nats or caddy; both if not given")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "servers runs nats-server and caddy, armed and unarmed, poked and left alone, and\ncompares them. Everything stays on the loopback interface.")
		flag.PrintDefaults()
	}
	flag.Parse()
	chosen := slices.DeleteFunc(slices.Clone(servers), func(s server) bool { return *only != "" && s.name != *only })
	if flag.NArg() > 0 || len(chosen) == 0 || f.slice <= 0 || f.rounds < 1 || f.workers < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	good := true
	for _, s := range chosen {
		ok, err := measure(ctx, s, f)
		if err != nil {
			fmt.Fprintln(os.Stderr, "servers:", err)
			os.Exit(1)
		}
		good = good && ok
	}
	if !good {
		os.Exit(1)
	}
}

// measure runs all slices of one server and prints the table. It reports
// whether nothing failed.
func measure(ctx context.Context, s server, f flags) (good bool, err error) {
	fmt.Printf("%s: %d rounds of %v for each variant, %d connections, %s; %s, %d CPUs\n",
		s.name, f.rounds, f.slice, f.workers, rateText(f.rate), runtime.Version(), runtime.NumCPU())
	totals := make([]total, len(variants))
	for i, v := range variants {
		totals[i].name = v.name
	}
	for round := range f.rounds {
		// Each round begins with another variant, so that none always has the
		// same one before it.
		for i := range variants {
			n := (i + round) % len(variants)
			r, err := slice(ctx, s, variants[n], f)
			r.round = round
			if err != nil {
				return false, fmt.Errorf("%s, %s: %w", s.name, variants[n].name, err)
			}
			fmt.Printf("round %d  %-13s  %s\n", round+1, variants[n].name, r.line())
			totals[n].add(r)
		}
	}
	fmt.Printf("\n%s\n%s\n", absolute(totals), ratios(totals))
	good = true
	for _, t := range totals {
		for _, err := range []error{t.load.FirstError, t.pokes.firstError} {
			if err != nil {
				good = false
				fmt.Printf("%s, %s: first failure: %v\n", s.name, t.name, err)
			}
		}
	}
	return good, nil
}

// slice starts a fresh process, so that the luck of one (its address space, the
// shape of its heap) is not the luck of a variant.
func slice(ctx context.Context, s server, v variant, f flags) (r result, err error) {
	p, err := target.Start(target.Spec{Server: s.name, Armed: v.armed, Signals: f.tagged})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	plan := load.Plan{Workers: f.workers, Rate: f.rate, Dial: func() (load.Client, error) { return s.dial(p.Addr) }}

	warm, done := context.WithTimeout(ctx, f.warm)
	defer done()
	if w := plan.Run(warm); w.FirstError != nil {
		return r, fmt.Errorf("warming up: %w", w.FirstError)
	}
	if err := ctx.Err(); err != nil {
		return r, err
	}

	measured, done := context.WithTimeout(ctx, f.slice)
	defer done()
	before, err := p.Count()
	if err != nil {
		return r, err
	}
	pokes := make(chan pokes, 1)
	go func() { pokes <- poking(measured, p, v.every, f.ring(p.PID)) }()
	r.load = plan.Run(measured)
	r.pokes = <-pokes
	after, err := p.Count()
	if err != nil {
		return r, err
	}
	r.cpu = after.CPU - before.CPU
	// A server that shuts down gently still serves the connections it has.
	if err := plan.Once(); err != nil {
		return r, fmt.Errorf("after the slice: a new connection: %w", err)
	}
	return r, ctx.Err()
}

// ring returns the function that rings a process.
func (f flags) ring(pid int) func() error {
	if f.tagged {
		return func() error { return poke.RingTagged(pid, f.tag) }
	}
	return func() error { return poke.Ring(pid) }
}

func rateText(rate float64) string {
	if rate <= 0 {
		return "as fast as possible"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", rate), ".0") + " requests/s"
}
