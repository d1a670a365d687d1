package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
)

// BenchmarkPoke compares manhole-poke with gops, from the start of the command to
// its end: each alone, and with one question to a process that has a number of
// goroutines which burn CPU. gops asks an agent whose port is always open;
// manhole-poke sends the signal first. Figures are medians in milliseconds; the
// ratio is gops's over manhole-poke's.
//
//	go test -run '^$' -bench Poke -benchtime 1x -v ./cmd/manhole-poke
func BenchmarkPoke(b *testing.B) {
	gops := poketest.Gops(b)
	b.Setenv("GOPS_CONFIG_DIR", b.TempDir())
	b.Run("start", func(b *testing.B) {
		var poke, agent float64
		for range b.N {
			poke, agent = median(b, poketest.Binary(b), "version"), median(b, gops, "help")
		}
		compare(b, poke, agent)
	})
	for _, spin := range []int{0, 50, 500} {
		b.Run(fmt.Sprintf("stats-spin=%d", spin), func(b *testing.B) {
			b.Setenv(poketest.SpinVariable, strconv.Itoa(spin))
			var poke, agent float64
			for range b.N { // one after the other, as each burns all there is
				g := poketest.StartAt(b, "lazy", "")
				poke = median(b, poketest.Binary(b), g.PID, "stats")
				g.Cmd.Process.Kill()
				g = poketest.StartAt(b, "with gops's agent", "")
				agent = median(b, gops, "stats", g.PID)
				g.Cmd.Process.Kill()
			}
			compare(b, poke, agent)
		})
	}
}

func compare(b *testing.B, poke, gops float64) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(poke, "poke-ms")
	b.ReportMetric(gops, "gops-ms")
	b.ReportMetric(gops/poke, "gops/poke")
}

// median runs a command 20 times, or for a minute.
func median(b *testing.B, command ...string) float64 {
	var took []float64
	for end := time.Now().Add(time.Minute); len(took) < 20 && (len(took) == 0 || time.Now().Before(end)); {
		start := time.Now()
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			b.Fatalf("%v: %v\n%s", command, err, out)
		}
		took = append(took, float64(time.Since(start).Microseconds())/1000)
	}
	slices.Sort(took)
	return took[len(took)/2]
}

const crowdVariable = "MANHOLE_POKE_TEST_CROWD"

// crowd is an idle program with many goroutines.
func crowd() {
	go poketest.EndWithInput()
	if err := lazy.Arm(lazy.WithPath(os.Args[1]), lazy.WithLogger(slog.New(slog.DiscardHandler))); err != nil {
		fmt.Println("error:", err)
		return
	}
	n, _ := strconv.Atoi(os.Getenv(crowdVariable))
	for range n {
		go leaked()
	}
	fmt.Println("ready")
	select {}
}

// BenchmarkLive measures the CPU time, in percent of one CPU, of an idle process
// with this many goroutines: alone, while somebody has a session and says
// nothing, and while manhole-poke top shows it.
//
//	go test -run '^$' -bench Live -benchtime 1x -v ./cmd/manhole-poke
func BenchmarkLive(b *testing.B) {
	b.Setenv("TERM", "xterm")
	for _, n := range []int{100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.Setenv(crowdVariable, fmt.Sprint(n))
			const long = 20 * time.Second
			for range b.N {
				b.ReportMetric(0, "ns/op")
				g := poketest.Start(b, "crowd")
				used := func() time.Duration {
					text, err := os.ReadFile("/proc/" + g.PID + "/stat")
					if err != nil {
						b.Fatal(err)
					}
					s, err := procfs.ParseStat(text)
					if err != nil {
						b.Fatal(err)
					}
					return s.User + s.System
				}
				measure := func(what string, s *poketest.Terminal) {
					s.Watch(3 * time.Second)
					before := used()
					s.Watch(long)
					b.ReportMetric(100*(used()-before).Seconds()/long.Seconds(), "%"+what)
				}
				measure("alone", &poketest.Terminal{})
				s, wait := poketest.AtTerminal(b, g.PID)
				measure("session", s)
				s.Type(b, "\x04")
				wait()
				s, wait = poketest.AtTerminal(b, "top", g.PID)
				measure("top", s)
				s.Draws(b, 180, 20, "WHERE") // it still works
				s.Type(b, "q")
				wait()
			}
		})
	}
}
