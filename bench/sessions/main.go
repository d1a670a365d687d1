//go:build linux

// Command sessions has very many sessions with one process, half of them with
// a hostile peer, and looks what is left in the process.
//
//	GOWORK=off go run ./sessions -h
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/go-manhole/lazy/bench/internal/target"
)

type flags struct {
	sessions, stubborn int
	hold               time.Duration
	warm               int
}

func main() {
	target.RunIfChild(map[string]target.Server{"crowd": crowd})

	var f flags
	flag.IntVar(&f.sessions, "sessions", 20_000, "how many sessions; every other one is hostile")
	flag.DurationVar(&f.hold, "hold", 50*time.Millisecond, "how long hostile peers that do nothing keep the connection")
	flag.IntVar(&f.stubborn, "stubborn", 3, "how many peers, besides, read nothing until the process drops them, which takes some 10 seconds each")
	flag.IntVar(&f.warm, "warm", 200, "sessions before the first count, of all kinds")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "sessions has very many sessions with an armed process, half of them hostile, and\ncompares what the process has before and after.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 || f.sessions < 1 || f.stubborn < 0 || f.warm < 0 || f.hold <= 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	good, err := run(ctx, f)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sessions:", err)
	}
	if err != nil || !good {
		os.Exit(1)
	}
}

// run prints the report, and reports whether all is well.
func run(ctx context.Context, f flags) (good bool, err error) {
	fmt.Printf("%d sessions and %d stubborn ones, of a process with %d goroutines; %s, %d CPUs\n",
		f.sessions, f.stubborn, crowdSize, runtime.Version(), runtime.NumCPU())
	p, err := target.Start(target.Spec{Server: "crowd", Armed: true})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()

	started, err := p.Count()
	if err != nil {
		return false, err
	}
	if _, err := converse(ctx, p, f.warm, f); err != nil {
		return false, err
	}
	before, _, err := p.Settle(started, closing)
	if err != nil {
		return false, err
	}

	start := time.Now()
	results, err := converse(ctx, p, f.sessions, f)
	if err != nil {
		return false, err
	}
	took := time.Since(start)
	for range f.stubborn {
		if err := results.do(ctx, p, stubborn, f); err != nil {
			return false, err
		}
	}
	after, left, err := p.Settle(before, closing)
	if err != nil {
		return false, err
	}
	fmt.Printf("%d sessions took %v, then %d stubborn ones %v; %v CPU of the process\n\n%s\n", f.sessions, took.Round(time.Second), f.stubborn,
		(time.Since(start) - took).Round(time.Second), (after.CPU - before.CPU).Round(time.Millisecond), results.table())
	fmt.Printf("%s\nlog records of the library, with those of the first %d sessions:\n%s\n",
		target.Table([]string{"started", "before", "after"}, started, before, after), f.warm, after.LogTable())
	for _, k := range kinds {
		if r := results[k.name]; r != nil && r.firstError != nil {
			left = append(left, fmt.Sprintf("%s: %v", k.name, r.firstError))
		}
	}
	if len(left) == 0 {
		left = []string{"nothing"}
		good = true
	}
	fmt.Println("left behind or failed:", strings.Join(left, "; "))
	return good, nil
}

// closing is how long the process has, after the last session, for being as
// before. A socket that was opened and not used stays for 30 seconds.
const closing = 45 * time.Second

// A result is what became of the sessions of one kind.
type result struct {
	sessions, failed int
	read             int64 // bytes
	time             time.Duration
	firstError       error
}

// results is by the name of the kind.
type results map[string]*result

// converse has n sessions, one after the other: friendly and hostile ones take
// turns, and so do the kinds of each.
func converse(ctx context.Context, p *target.Process, n int, f flags) (results, error) {
	r := results{}
	var friendly, hostile []kind
	for _, k := range kinds {
		if k.hostile {
			hostile = append(hostile, k)
		} else {
			friendly = append(friendly, k)
		}
	}
	for i := range n {
		k := friendly[i/2%len(friendly)]
		if i%2 == 1 {
			k = hostile[i/2%len(hostile)]
		}
		if err := r.do(ctx, p, k, f); err != nil {
			return r, err
		}
		if i == n-1 && k.quiet {
			// Somebody has to use the socket, or it stays open for 30 seconds.
			return r, r.do(ctx, p, friendly[0], f)
		}
	}
	return r, nil
}

// do has one session. It returns an error only if there is no point in going on.
func (r results) do(ctx context.Context, p *target.Process, k kind, f flags) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !p.Alive() {
		return p.Stop()
	}
	if r[k.name] == nil {
		r[k.name] = new(result)
	}
	s, start := r[k.name], time.Now()
	read, err := k.meet(p, f)
	s.sessions++
	s.read += read
	s.time += time.Since(start)
	if err != nil {
		s.failed++
		if s.firstError == nil {
			s.firstError = err
		}
	}
	return nil
}

func (r results) table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\t\tsessions\tfailed\tms each\tread KiB\t")
	for _, k := range append(append([]kind{}, kinds...), stubborn) {
		s := r[k.name]
		if s == nil {
			continue
		}
		sort := "friendly"
		if k.hostile {
			sort = "hostile"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%.1f\t%d\t\n", sort, k.name, s.sessions, s.failed,
			s.time.Seconds()*1e3/float64(s.sessions), s.read>>10)
	}
	w.Flush()
	return b.String()
}
