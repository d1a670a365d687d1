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
)

// The text of stats, memstats and version is gops's, name for name
// (github.com/google/gops v0.3.28, agent/agent.go), so that whatever reads
// gops reads this.

func stats(_ context.Context, s *session, args []string) error {
	if err := none(args); err != nil {
		return err
	}
	writeStats(s.out)
	return nil
}

func writeStats(w io.Writer) {
	field(w, "goroutines", runtime.NumGoroutine())
	field(w, "OS threads", pprof.Lookup("threadcreate").Count())
	field(w, "GOMAXPROCS", runtime.GOMAXPROCS(0))
	field(w, "num CPU", runtime.NumCPU())
}

func version(_ context.Context, s *session, args []string) error {
	if err := none(args); err != nil {
		return err
	}
	writeVersion(s.out)
	return nil
}

func writeVersion(w io.Writer) { fmt.Fprintln(w, runtime.Version()) }

func memstats(_ context.Context, s *session, args []string) error {
	if err := none(args); err != nil {
		return err
	}
	writeMemStats(s.out)
	return nil
}

func writeMemStats(w io.Writer) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	last := (m.NumGC + 255) % 256 // where the runtime put its latest pause
	lastGC := "-"
	if m.LastGC != 0 {
		lastGC = time.Unix(0, int64(m.LastGC)).String()
	}
	field(w, "alloc", size(m.Alloc))
	field(w, "total-alloc", size(m.TotalAlloc))
	field(w, "sys", size(m.Sys))
	field(w, "lookups", m.Lookups)
	field(w, "mallocs", m.Mallocs)
	field(w, "frees", m.Frees)
	field(w, "heap-alloc", size(m.HeapAlloc))
	field(w, "heap-sys", size(m.HeapSys))
	field(w, "heap-idle", size(m.HeapIdle))
	field(w, "heap-in-use", size(m.HeapInuse))
	field(w, "heap-released", size(m.HeapReleased))
	field(w, "heap-objects", m.HeapObjects)
	field(w, "stack-in-use", size(m.StackInuse))
	field(w, "stack-sys", size(m.StackSys))
	field(w, "stack-mspan-inuse", size(m.MSpanInuse))
	field(w, "stack-mspan-sys", size(m.MSpanSys))
	field(w, "stack-mcache-inuse", size(m.MCacheInuse))
	field(w, "stack-mcache-sys", size(m.MCacheSys))
	field(w, "other-sys", size(m.OtherSys))
	field(w, "gc-sys", size(m.GCSys))
	field(w, "next-gc", "when heap-alloc >= "+size(m.NextGC))
	field(w, "last-gc", lastGC)
	field(w, "gc-pause-total", time.Duration(m.PauseTotalNs))
	field(w, "gc-pause", m.PauseNs[last])
	field(w, "gc-pause-end", m.PauseEnd[last])
	field(w, "num-gc", m.NumGC)
	field(w, "num-forced-gc", m.NumForcedGC)
	field(w, "gc-cpu-fraction", m.GCCPUFraction)
	field(w, "enable-gc", m.EnableGC)
	field(w, "debug-gc", m.DebugGC)
}

func field(w io.Writer, name string, value any) { fmt.Fprintf(w, "%s: %v\n", name, value) }

// size is a number of bytes the way gops writes it: "1.50KB (1536 bytes)".
func size(n uint64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%s (%d bytes)", short(n), n)
}

// short is a number of bytes for a reader in a hurry: "1.50KB".
func short(n uint64) string {
	units := []string{"KB", "MB", "GB", "TB", "PB"}
	if n < 1<<10 {
		return fmt.Sprintf("%d bytes", n)
	}
	scaled, unit := float64(n)/1024, 0
	for n >= 1<<20 && unit < len(units)-1 {
		n, scaled, unit = n>>10, scaled/1024, unit+1
	}
	return fmt.Sprintf("%.2f%s", scaled, units[unit])
}

// memory is the short summary of the greeting. It reads runtime/metrics,
// which unlike runtime.ReadMemStats does not stop the world.
func memory(_ context.Context, s *session, _ []string) error {
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
			return 0 // a metric that a later Go release no longer has
		}
		return m[i].Value.Uint64()
	}
	fmt.Fprintf(s.out, "memory: heap %s in %d objects, next GC at %s; stacks %s; %s from the system\n",
		short(n(0)), n(1), short(n(2)), short(n(3)), short(n(4)-n(5)))
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	fmt.Fprintf(s.out, "GC: %d cycles", n(6))
	if len(gc.Pause) > 0 {
		fmt.Fprintf(s.out, ", last %s ago, last pause %s, all pauses %s",
			time.Since(gc.LastGC).Round(time.Millisecond), gc.Pause[0], gc.PauseTotal)
	}
	fmt.Fprintln(s.out)
	return nil
}
