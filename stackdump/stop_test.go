package stackdump

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

var (
	million  = flag.Bool("stackdump.million", false, "benchmark with 1,000,000 goroutines too (2 minutes, 8 GB)")
	fullToo  = flag.Bool("stackdump.full", false, "benchmark full captures too")
	parkDeep = flag.Int("stackdump.depth", 4, "frames below main's of each goroutine of the benchmark")
)

// park starts n goroutines of the kinds found in a server, and returns what ends
// them.
func park(n, depth int) (release func()) {
	c := make(chan int)
	var down func(int)
	down = func(d int) {
		if d > 0 {
			down(d - 1)
			return
		}
		<-c
	}
	var started atomic.Int64
	for i := range n {
		go func() {
			started.Add(1)
			switch i % 4 {
			case 0:
				select {
				case <-c:
				case <-c:
				}
			case 1:
				down(depth + 3)
			default:
				down(depth)
			}
		}()
	}
	for started.Load() < int64(n) {
		time.Sleep(10 * time.Millisecond)
	}
	return func() {
		close(c)
		for runtime.NumGoroutine() > 100 {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// spinner watches the clock without a break in a separate thread.
type spinner struct {
	reset   atomic.Bool
	stop    atomic.Bool
	longest atomic.Int64
	done    chan struct{}
}

func spin() *spinner {
	s := &spinner{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread()
		last := time.Now()
		for !s.stop.Load() {
			now := time.Now()
			if s.reset.CompareAndSwap(true, false) {
				s.longest.Store(0)
			} else if gap := int64(now.Sub(last)); gap > s.longest.Load() {
				s.longest.Store(gap)
			}
			last = now
		}
	}()
	return s
}

func (s *spinner) restart() {
	s.reset.Store(true)
	for s.reset.Load() {
		runtime.Gosched()
	}
}

// read returns the longest gap, the one that is open at the time of the call
// included: without that a stop that ends with what is measured can be missed.
func (s *spinner) read() time.Duration {
	time.Sleep(2 * time.Millisecond)
	return time.Duration(s.longest.Load())
}

func (s *spinner) end() {
	s.stop.Store(true)
	<-s.done
}

// pauses returns a function that returns the longest time since that the runtime
// itself says it stopped the world for, garbage collection included, rounded up
// as its histogram does.
func pauses() func() time.Duration {
	read := func() []metrics.Sample {
		s := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}, {Name: "/sched/pauses/total/other:seconds"}}
		metrics.Read(s)
		return s
	}
	before := read()
	return func() time.Duration {
		longest := 0.0
		for i, s := range read() {
			h, old := s.Value.Float64Histogram(), before[i].Value.Float64Histogram()
			for j, n := range h.Counts {
				if n > old.Counts[j] {
					longest = max(longest, h.Buckets[j+1])
				}
			}
		}
		return time.Duration(longest * 1e9)
	}
}

// residentPeak makes the kernel forget the peak of this process's resident memory
// and returns a function that tells how far it went up since, in bytes, or -1.
func residentPeak() func() int64 {
	if os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) != nil {
		return func() int64 { return -1 }
	}
	before := procStatus("VmRSS:")
	return func() int64 { return procStatus("VmHWM:") - before }
}

func procStatus(name string) int64 {
	b, _ := os.ReadFile("/proc/self/status")
	_, after, _ := bytes.Cut(b, []byte(name))
	f := bytes.Fields(after)
	if len(f) == 0 {
		return -1
	}
	kb, _ := strconv.ParseInt(string(f[0]), 10, 53)
	return kb << 10
}

type counter int64

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

// BenchmarkDump puts a grouped capture (lazy) beside what gops's stack does, and
// beside nothing at all (none), on the same goroutines:
//
//	stop-ms   the longest gap that a spinning goroutine saw; whatever else the
//	          machine does is in it, so compare with none
//	world-ms  the longest stop that the runtime itself reports
//	peak-MiB  resident memory that came on top (linux)
func BenchmarkDump(b *testing.B) {
	counts := []int{10_000, 100_000}
	if *million {
		counts = append(counts, 1_000_000)
	}
	ways := []struct {
		name string
		dump func(w io.Writer) error
	}{
		{"none", func(io.Writer) error { time.Sleep(200 * time.Millisecond); return nil }},
		{"lazy", func(w io.Writer) error {
			d, err := Capture(context.Background(), Options{})
			if err != nil {
				return err
			}
			return d.Filter(Filter{}).Render(w, RenderOptions{})
		}},
		{"gops", func(w io.Writer) error { return pprof.Lookup("goroutine").WriteTo(w, 2) }},
	}
	if *fullToo {
		ways = append(ways, struct {
			name string
			dump func(w io.Writer) error
		}{"full", func(w io.Writer) error {
			d, err := Capture(context.Background(), Options{Full: true})
			if err != nil {
				return err
			}
			return d.Filter(Filter{}).Render(w, RenderOptions{})
		}})
	}
	for _, n := range counts {
		release := park(n, *parkDeep)
		for _, way := range ways {
			b.Run(way.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				var longest, paused time.Duration
				var peak int64
				var written counter
				for range b.N {
					b.StopTimer()
					debug.FreeOSMemory()
					time.Sleep(time.Second) // what the collection above leaves to be swept, and a real-time scheduler's budget
					s := spin()
					s.restart()
					memory := residentPeak()
					pause := pauses()
					written = 0
					b.StartTimer()
					if err := way.dump(&written); err != nil {
						b.Fatal(err)
					}
					b.StopTimer()
					longest = max(longest, s.read())
					paused = max(paused, pause())
					peak = max(peak, memory())
					s.end()
				}
				b.ReportMetric(float64(longest)/1e6, "stop-ms")
				b.ReportMetric(float64(paused)/1e6, "world-ms")
				b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
				b.ReportMetric(float64(written)/1e3, "output-kB")
			})
		}
		release()
	}
}
