package lazy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// BenchmarkIdle compares what the designs add to a process that does nothing.
//
//	go test -run '^$' -bench Idle -benchtime 1x
func BenchmarkIdle(b *testing.B) {
	for range b.N {
		b.Logf("%-10s %10s %8s %12s %18s", "", "goroutines", "threads", "descriptors", "CPU, of a core")
		var plain float64
		for _, design := range []string{"nothing", "lazy", "ossignal", "gops"} {
			tg := startTarget(b, "-design", design, "-early", "-path", b.TempDir()+"/s")
			time.Sleep(5 * time.Second) // after the start's garbage collection and fast ticks
			f := tg.Footprint()
			const span = 20 * time.Second
			before := tg.cpu()
			time.Sleep(span)
			share := float64(tg.cpu()-before) / float64(span)
			if design == "nothing" {
				plain = share
			}
			b.Logf("%-10s %10d %8d %12d %17.4f%%", design, f.Goroutines, f.Threads, len(f.Descriptors), 100*share)
			if design == "lazy" {
				b.ReportMetric(100*(share-plain), "%core-added")
			}
			tg.Kill()
		}
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkHeld measures what a session that is held and silent costs an idle
// process, and how long a line there and back takes.
//
//	go test -run '^$' -bench Held -benchtime 1x
func BenchmarkHeld(b *testing.B) {
	for range b.N {
		tg := startTarget(b)
		tg.Ring()
		conn := tg.Dial()
		lazytest.Until(b, conn, lazytest.Prompt)
		time.Sleep(7 * time.Second) // until it is looked at seldom
		const span = 10 * time.Second
		cpu, switches := tg.cpu(), tg.switches()
		time.Sleep(span)
		b.ReportMetric(100*float64(tg.cpu()-cpu)/float64(span), "%core")
		b.ReportMetric(float64(tg.switches()-switches)/span.Seconds(), "switches/s")
		var took []time.Duration
		for range 100 {
			atNoParticularMoment(50 * time.Millisecond)
			start := time.Now()
			fmt.Fprintln(conn, "version")
			lazytest.Until(b, conn, lazytest.Prompt)
			took = append(took, time.Since(start))
		}
		b.ReportMetric(median(took), "ms/line")
		tg.Kill()
	}
	b.ReportMetric(0, "ns/op")
}

// switches is how often the target's threads were switched.
func (tg *target) switches() (sum int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", tg.PID))
	for _, task := range tasks {
		b, _ := os.ReadFile(task)
		for line := range strings.Lines(string(b)) {
			if name, value, _ := strings.Cut(line, ":"); strings.HasSuffix(name, "ctxt_switches") {
				n, _ := strconv.Atoi(strings.TrimSpace(value))
				sum += n
			}
		}
	}
	return sum
}

// cpu is the CPU time that the target's threads have used.
func (tg *target) cpu() (sum time.Duration) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", tg.PID))
	for _, task := range tasks {
		b, _ := os.ReadFile(task)
		var ns int64
		fmt.Sscan(string(b), &ns)
		sum += time.Duration(ns)
	}
	return sum
}

// BenchmarkKillAndNc counts how often the literal command line connects: nc
// tries once, about a millisecond after the kill.
//
//	go test -run '^$' -bench KillAndNc -benchtime 1x
func BenchmarkKillAndNc(b *testing.B) {
	lazytest.Tool(b, "nc")
	for _, spin := range []int{0, 500} {
		for _, design := range []string{"lazy", "ossignal"} {
			b.Run(fmt.Sprintf("spin=%d/%s", spin, design), func(b *testing.B) {
				tg := startTarget(b, "-design", design, "-spin", strconv.Itoa(spin), "-accept-timeout", "50ms")
				time.Sleep(2 * time.Second)
				n := 0
				for range 100 {
					cmd := exec.Command("sh", "-c", "kill -USR2 $PID && echo version | nc -N -U /tmp/manhole-$PID")
					cmd.Env = append(os.Environ(), "PID="+strconv.Itoa(tg.PID))
					if out, err := cmd.Output(); err == nil && len(out) > 0 {
						n++
					} else if design == "ossignal" {
						tg.Dial().Close() // it waits for a client forever, once it listens
					}
					tg.Gone()
					time.Sleep(20 * time.Millisecond)
				}
				b.ReportMetric(float64(n), "of-100-connect")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
