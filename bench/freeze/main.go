//go:build linux

// Command freeze compares how long a program stands still while one looks into its
// memory: with lazy's frozen copy, gcore, Delve, and the stack dump of gops.
//
//	GOWORK=off go run ./freeze -h
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

type flags struct {
	sizes  string
	rounds int
	poke   string
	rate   int
}

func main() {
	if os.Getenv(childVariable) != "" {
		child()
		return
	}
	var f flags
	flag.StringVar(&f.sizes, "mb", "100,1024,4096", "sizes of the heap of the program, in MiB")
	flag.IntVar(&f.rounds, "rounds", 3, "how often each tool is used with each size")
	flag.StringVar(&f.poke, "poke", "", "manhole-poke to use; it is built if not given")
	flag.IntVar(&f.rate, "rate", 500, "requests a second to the program's HTTP server")
	flag.Parse()
	if flag.NArg() > 0 || f.rounds < 1 || f.rate < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, f); err != nil {
		fmt.Fprintln(os.Stderr, "freeze:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, f flags) error {
	dir, err := os.MkdirTemp("", "freeze-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if f.poke == "" {
		f.poke = filepath.Join(dir, "manhole-poke")
		build := exec.CommandContext(ctx, "go", "build", "-o", f.poke, ".")
		build.Dir = "../cmd/manhole-poke"
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building manhole-poke (run this in bench, or give -poke): %w\n%s", err, text)
		}
	}
	fmt.Printf("%s, %d CPUs; %d requests a second from outside\n", runtime.Version(), runtime.NumCPU(), f.rate)
	for _, size := range strings.Split(f.sizes, ",") {
		mb, err := strconv.Atoi(size)
		if err != nil {
			return err
		}
		if err := compare(ctx, f, dir, mb); err != nil {
			return err
		}
	}
	return nil
}

// compare uses every tool on one program, in turn.
func compare(ctx context.Context, f flags, dir string, mb int) error {
	p, err := startProgram(ctx, mb)
	if err != nil {
		return err
	}
	defer p.stop()
	l := startLoad(ctx, p.url, f.rate)
	defer l.stop()
	all := tools(f.poke, dir, p)
	got := make([][]result, len(all))
	for round := range f.rounds {
		for i := range all {
			t := (i + round) % len(all)
			if all[t].missing != "" {
				continue
			}
			r, err := measure(ctx, p, l, all[t])
			if err != nil {
				return fmt.Errorf("%s: %w", all[t].name, err)
			}
			got[t] = append(got[t], r)
		}
	}
	failed := l.failed.Load()
	fmt.Printf("\n%d MiB, resident %d MiB, failed requests %d\n", mb, p.resident(), failed)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintln(w, "tool\tgap inside, median (min, max)\tto freeze\tslowest request, median (min, max)\ttook, median")
	base := median(pick(got[1], func(r result) time.Duration { return r.gap }))
	for i, t := range all {
		if t.missing != "" {
			fmt.Fprintf(w, "%s\t%s\n", t.name, t.missing)
			continue
		}
		gaps := pick(got[i], func(r result) time.Duration { return r.gap })
		fmt.Fprintf(w, "%s\t%s\t%.1f\t%s\t%v\n", t.name, spread(gaps), float64(median(gaps))/float64(base),
			spread(pick(got[i], func(r result) time.Duration { return r.slowest })),
			median(pick(got[i], func(r result) time.Duration { return r.took })).Round(time.Millisecond))
	}
	if failed > 0 {
		return fmt.Errorf("%d requests failed", failed)
	}
	return nil
}

// A result is one use of a tool.
type result struct{ gap, slowest, took time.Duration }

// measure uses a tool once, and returns the longest time that the spinning
// goroutine did not run and the slowest request, from the beginning of the tool
// until shortly after its end.
func measure(ctx context.Context, p *program, l *load, t tool) (r result, err error) {
	time.Sleep(500 * time.Millisecond)
	if _, err := p.gap(); err != nil {
		return r, err
	}
	l.slowest.Store(0)
	start := time.Now()
	if err := t.use(ctx); err != nil {
		return r, err
	}
	r.took = time.Since(start)
	time.Sleep(200 * time.Millisecond)
	r.slowest = time.Duration(l.slowest.Load())
	r.gap, err = p.gap()
	return r, err
}

func pick(all []result, f func(result) time.Duration) (d []time.Duration) {
	for _, r := range all {
		d = append(d, f(r))
	}
	slices.Sort(d)
	return d
}

func median(sorted []time.Duration) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

func spread(sorted []time.Duration) string {
	if len(sorted) == 0 {
		return "-"
	}
	ms := func(d time.Duration) string { return strconv.FormatFloat(float64(d)/1e6, 'f', 1, 64) }
	return fmt.Sprintf("%s ms (%s, %s)", ms(median(sorted)), ms(sorted[0]), ms(sorted[len(sorted)-1]))
}
