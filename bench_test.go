//go:build linux || darwin || freebsd

package lazy_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// serveOSSignal is what the obvious design does when its goroutine is woken: it
// listens, accepts one connection and answers each line.
func serveOSSignal() {
	path := fmt.Sprintf("/tmp/manhole-%d", os.Getpid())
	l, err := net.Listen("unix", path)
	if err != nil {
		return
	}
	defer l.Close()
	c, err := l.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	in := bufio.NewScanner(c)
	for in.Scan() {
		fmt.Fprintln(c, in.Text())
	}
}

// BenchmarkRing measures how long an operator waits, with different numbers of
// CPU-bound goroutines in the process: from the kill until the socket accepts a
// connection, from the kill to the first byte of the answer to a line sent at
// once, and for the round trip of one line in an open session. For comparison,
// in the same run: the obvious design on os/signal, and the agent of gops, whose
// port is always open. All are medians in milliseconds; a ratio is the other's
// over lazy's.
//
//	go test -run '^$' -bench Ring -benchtime 1x
func BenchmarkRing(b *testing.B) {
	for _, spin := range []int{0, 50, 500} {
		b.Run(fmt.Sprintf("spin=%d", spin), func(b *testing.B) {
			for range b.N {
				lazy := measureRings(b, "lazy", spin)
				other := measureRings(b, "ossignal", spin)
				gops := measureGops(b, spin)
				for i, what := range []string{"connect", "first-byte", "round-trip"} {
					b.ReportMetric(lazy[i], what+"-ms")
					b.ReportMetric(other[i]/lazy[i], what+"-ossignal/lazy")
				}
				b.ReportMetric(gops, "gops-stats-ms")
				b.ReportMetric(gops/lazy[1], "gops-stats/first-byte")
				b.Logf("%d CPU-bound goroutines, median ms", spin)
				b.Logf("%-34s %10s %10s %10s", "", "connect", "first byte", "round trip")
				b.Logf("%-34s %10.2f %10.2f %10.2f", "lazy", lazy[0], lazy[1], lazy[2])
				b.Logf("%-34s %10.2f %10.2f %10.2f", "os/signal, net.Listen, parked reads", other[0], other[1], other[2])
				b.Logf("%-34s %10s %10.2f", "gops agent, stats", "", gops)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// A measurement is repeated tries times, or for tryUntil if that is over first.
const (
	tries    = 20
	tryUntil = time.Minute
)

func measureRings(b *testing.B, design string, spin int) [3]float64 {
	b.Helper()
	tg := startTarget(b, "-design", design, "-spin", strconv.Itoa(spin))
	defer tg.Kill()
	time.Sleep(2 * time.Second) // it has been like this for a while
	var took [3][]time.Duration
	note := func(i int, since time.Time) { took[i] = append(took[i], time.Since(since)) }
	line := make([]byte, 100)
	for start := time.Now(); len(took[2]) < tries && (len(took[2]) == 0 || time.Since(start) < tryUntil); {
		rung := time.Now()
		tg.Ring()
		var c net.Conn
		for {
			var err error
			if c, err = net.Dial("unix", tg.Path); err == nil {
				break
			}
			time.Sleep(20 * time.Microsecond)
		}
		note(0, rung)
		io.WriteString(c, "version\n")
		if _, err := c.Read(line); err != nil {
			b.Fatal(err)
		}
		note(1, rung)
		for range 3 {
			atNoParticularMoment(50 * time.Millisecond)
			sent := time.Now()
			io.WriteString(c, "version\n")
			if _, err := c.Read(line); err != nil {
				b.Fatal(err)
			}
			note(2, sent)
		}
		c.(*net.UnixConn).CloseWrite()
		io.Copy(io.Discard, c)
		c.Close()
		tg.Gone()
		if spin == 0 {
			// An idle process looks at its doorbell less and less often.
			time.Sleep(2 * time.Second)
		}
		atNoParticularMoment(time.Second)
	}
	var ms [3]float64
	for i := range took {
		ms[i] = median(took[i])
	}
	return ms
}

func measureGops(b *testing.B, spin int) float64 {
	b.Helper()
	dir := b.TempDir()
	tg := startTarget(b, "-design", "gops", "-spin", strconv.Itoa(spin), "-path", dir)
	defer tg.Kill()
	port, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(tg.PID)))
	if err != nil {
		b.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	var took []time.Duration
	for start := time.Now(); len(took) < tries && (len(took) == 0 || time.Since(start) < tryUntil); {
		asked := time.Now()
		c, err := net.Dial("tcp", "127.0.0.1:"+string(port))
		if err != nil {
			b.Fatal(err)
		}
		c.Write([]byte{7})
		if _, err := io.ReadAll(c); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(asked))
		c.Close()
		atNoParticularMoment(time.Second)
	}
	return median(took)
}

// BenchmarkSaturated measures how often a person waits longer than a second in a
// process with 500 CPU-bound goroutines: for the greeting, for a command, and for
// the end of the session.
//
//	go test -run '^$' -bench Saturated -benchtime 1x
func BenchmarkSaturated(b *testing.B) {
	for _, c := range []struct {
		command            string
		sessions, commands int
	}{{"version", 10, 200}, {"stats", 10, 200}, {"stack", 60, 3}} {
		b.Run(c.command, func(b *testing.B) {
			var greeting, command, end []time.Duration
			for range b.N {
				tg := startTarget(b, "-spin", "500")
				time.Sleep(2 * time.Second)
				for range c.sessions {
					start := time.Now()
					tg.Ring()
					conn := tg.Dial()
					lazytest.Until(b, conn, lazytest.Prompt)
					greeting = append(greeting, time.Since(start))
					for range c.commands {
						atNoParticularMoment(50 * time.Millisecond)
						start = time.Now()
						fmt.Fprintln(conn, c.command)
						lazytest.Until(b, conn, lazytest.Prompt)
						command = append(command, time.Since(start))
					}
					start = time.Now()
					conn.Close()
					tg.Gone()
					end = append(end, time.Since(start))
					atNoParticularMoment(time.Second)
				}
				tg.Kill()
			}
			b.ReportMetric(0, "ns/op")
			for _, took := range []struct {
				what string
				d    []time.Duration
			}{{"greeting", greeting}, {"command", command}, {"end", end}} {
				long := 0
				for _, d := range took.d {
					if d > time.Second {
						long++
					}
				}
				b.ReportMetric(float64(long)/float64(len(took.d)), took.what+"-over-1s/op")
				b.Logf("%-8s %4d of %4d over a second, median %.1f ms, most %.0f ms", took.what, long, len(took.d), median(took.d), slices.Max(took.d).Seconds()*1000)
			}
		})
	}
}

// atNoParticularMoment sleeps for a random time, so that a try does not profit
// from the one before, which has left a goroutine running.
func atNoParticularMoment(within time.Duration) { time.Sleep(rand.N(within)) }

// median returns milliseconds.
func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2]) / float64(time.Millisecond)
}
