package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
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
