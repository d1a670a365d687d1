package console

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/format"
)

// The text of stats, memstats and version is that of gops, name for name
// (github.com/google/gops v0.3.28, agent/agent.go), so that its parsers work.

func stats(_ context.Context, s *session, a *args.Parsed) error {
	if err := a.NoWords(); err != nil {
		return err
	}
	writeStats(s.out)
	return nil
}

func writeStats(w io.Writer) {
	format.Field(w, "goroutines", runtime.NumGoroutine())
	format.Field(w, "OS threads", pprof.Lookup("threadcreate").Count())
	format.Field(w, "GOMAXPROCS", runtime.GOMAXPROCS(0))
	format.Field(w, "num CPU", runtime.NumCPU())
}

func version(_ context.Context, s *session, a *args.Parsed) error {
	if err := a.NoWords(); err != nil {
		return err
	}
	writeVersion(s.out)
	return nil
}

func writeVersion(w io.Writer) { fmt.Fprintln(w, runtime.Version()) }

func memstats(_ context.Context, s *session, a *args.Parsed) error {
	if err := a.NoWords(); err != nil {
		return err
	}
	writeMemStats(s.out)
	return nil
}

func writeMemStats(w io.Writer) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	last := (m.NumGC + 255) % 256 // index of the latest pause
	lastGC := "-"
	if m.LastGC != 0 {
		lastGC = time.Unix(0, int64(m.LastGC)).String()
	}
	format.Field(w, "alloc", format.Size(m.Alloc))
	format.Field(w, "total-alloc", format.Size(m.TotalAlloc))
	format.Field(w, "sys", format.Size(m.Sys))
	format.Field(w, "lookups", m.Lookups)
	format.Field(w, "mallocs", m.Mallocs)
	format.Field(w, "frees", m.Frees)
	format.Field(w, "heap-alloc", format.Size(m.HeapAlloc))
	format.Field(w, "heap-sys", format.Size(m.HeapSys))
	format.Field(w, "heap-idle", format.Size(m.HeapIdle))
	format.Field(w, "heap-in-use", format.Size(m.HeapInuse))
	format.Field(w, "heap-released", format.Size(m.HeapReleased))
	format.Field(w, "heap-objects", m.HeapObjects)
	format.Field(w, "stack-in-use", format.Size(m.StackInuse))
	format.Field(w, "stack-sys", format.Size(m.StackSys))
	format.Field(w, "stack-mspan-inuse", format.Size(m.MSpanInuse))
	format.Field(w, "stack-mspan-sys", format.Size(m.MSpanSys))
	format.Field(w, "stack-mcache-inuse", format.Size(m.MCacheInuse))
	format.Field(w, "stack-mcache-sys", format.Size(m.MCacheSys))
	format.Field(w, "other-sys", format.Size(m.OtherSys))
	format.Field(w, "gc-sys", format.Size(m.GCSys))
	format.Field(w, "next-gc", "when heap-alloc >= "+format.Size(m.NextGC))
	format.Field(w, "last-gc", lastGC)
	format.Field(w, "gc-pause-total", time.Duration(m.PauseTotalNs))
	format.Field(w, "gc-pause", m.PauseNs[last])
	format.Field(w, "gc-pause-end", m.PauseEnd[last])
	format.Field(w, "num-gc", m.NumGC)
	format.Field(w, "num-forced-gc", m.NumForcedGC)
	format.Field(w, "gc-cpu-fraction", m.GCCPUFraction)
	format.Field(w, "enable-gc", m.EnableGC)
	format.Field(w, "debug-gc", m.DebugGC)
}

// memorySummary writes the summary that a person sees first. It reads runtime/metrics,
// which unlike runtime.ReadMemStats does not stop the world.
func memorySummary(_ context.Context, s *session, _ *args.Parsed) error {
	writeMemorySummary(s.out)
	return nil
}

func writeMemorySummary(w io.Writer) {
	m := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/objects:objects"},
		{Name: "/gc/heap/goal:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(m)
	n := func(i int) uint64 {
		if m[i].Value.Kind() != metrics.KindUint64 {
			return 0 // a later Go release may lack it
		}
		return m[i].Value.Uint64()
	}
	fmt.Fprintf(w, "memory: heap %s in %d objects, next GC at %s; stacks %s; %s from the system\n",
		format.ShortSize(n(0)), n(1), format.ShortSize(n(2)), format.ShortSize(n(3)), format.ShortSize(n(4)-n(5)))
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	fmt.Fprintf(w, "GC: %d cycles", n(6))
	if len(gc.Pause) > 0 {
		fmt.Fprintf(w, ", last %s ago, last pause %s, all pauses %s",
			time.Since(gc.LastGC).Round(time.Millisecond), gc.Pause[0], gc.PauseTotal)
	}
	fmt.Fprintln(w)
}
