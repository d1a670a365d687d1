package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/format"
	"github.com/go-manhole/lazy/internal/words"
)

// collect and freemem run apart, in their own goroutine. They cannot be
// interrupted, and runtime.GC yields to every other goroutine while it sweeps:
// where all processors are busy it takes minutes.

func collect(_ context.Context, w io.Writer, arguments []string) error {
	if err := noArguments(arguments); err != nil {
		return err
	}
	before, start := heap(), time.Now()
	runtime.GC()
	fmt.Fprintf(w, "ok: heap %s, was %s; took %s\n",
		format.ShortSize(heap()), format.ShortSize(before), time.Since(start).Round(time.Microsecond))
	return nil
}

// heap returns the size of the objects in the heap, including dead ones that are not
// swept yet.
func heap() uint64 { return readMetric("/memory/classes/heap/objects:bytes") }

// readMetric returns the value of a metric, 0 if this Go release lacks it.
func readMetric(name string) uint64 {
	m := []metrics.Sample{{Name: name}}
	metrics.Read(m)
	if m[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return m[0].Value.Uint64()
}

func freemem(_ context.Context, w io.Writer, arguments []string) error {
	if err := noArguments(arguments); err != nil {
		return err
	}
	const released = "/memory/classes/heap/released:bytes"
	before, start := readMetric(released), time.Now()
	debug.FreeOSMemory()
	fmt.Fprintf(w, "ok: %s returned to the system, was %s; took %s\n",
		format.ShortSize(readMetric(released)), format.ShortSize(before), time.Since(start).Round(time.Microsecond))
	return nil
}

func setgc(_ context.Context, s *session, a *args.Parsed) error {
	if len(a.Words) != 1 {
		return errors.New("takes a percentage, as GOGC does; try setgc 100, setgc off")
	}
	percent := int64(-1)
	if a.Words[0] != "off" {
		var err error
		percent, err = strconv.ParseInt(strings.TrimSuffix(a.Words[0], "%"), 10, 32)
		switch {
		case err != nil:
			return fmt.Errorf("%s is not a percentage; try setgc 100, setgc off", words.Show(a.Words[0]))
		case percent < 0:
			return fmt.Errorf("%s is negative; try setgc off, which stops the collections", words.Show(a.Words[0]))
		case percent == 0:
			return errors.New("0 collects without a break; try setgc off for no collections, setgc 1 for as many as possible")
		}
	}
	writeSetGC(s, percent)
	return nil
}

func writeSetGC(s *session, percent int64) {
	fmt.Fprintf(s.out, "New GC percent set to %v. Previous value was %v.\n", percent, debug.SetGCPercent(int(percent)))
}

func memlimit(_ context.Context, s *session, a *args.Parsed) error {
	if err := a.AtMost(1, "it takes one size; try memlimit 2GiB, memlimit off"); err != nil {
		return err
	}
	if len(a.Words) == 0 {
		fmt.Fprintf(s.out, "memory limit: %s\n", showLimit(debug.SetMemoryLimit(-1)))
		return nil
	}
	limit := int64(math.MaxInt64)
	if a.Words[0] != "off" {
		var err error
		if limit, err = args.Bytes(a.Words[0]); err != nil {
			return fmt.Errorf("%s %w", words.Show(a.Words[0]), err)
		}
		if used := inUse(); uint64(limit) < used && !a.Flag("force") {
			return fmt.Errorf("%s is less than the %s in use, so the program would do little but collect garbage; try a higher limit, or memlimit %s -force",
				words.Show(a.Words[0]), format.ShortSize(used), words.Quote(a.Words[0]))
		}
	}
	fmt.Fprintf(s.out, "memory limit: %s, was %s\n", showLimit(limit), showLimit(debug.SetMemoryLimit(limit)))
	return nil
}

// inUse returns how much of what the limit counts no collection gives back: all
// memory of the runtime without what is free, and of the heap what the last
// collection left.
func inUse() uint64 {
	m := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(m)
	var n [6]uint64
	for i := range m {
		if m[i].Value.Kind() == metrics.KindUint64 { // a later Go release may lack it
			n[i] = m[i].Value.Uint64()
		}
	}
	total, objects, live := n[0], n[4], n[5]
	garbage := uint64(0)
	if live > 0 && live < objects { // 0 before the first collection
		garbage = objects - live
	}
	if free := n[1] + n[2] + n[3] + garbage; free < total {
		return total - free
	}
	return 0
}

func showLimit(n int64) string {
	if n == math.MaxInt64 {
		return "off"
	}
	return format.Size(uint64(n))
}

// maxProcs bounds what can be set, above what most machines have.
const maxProcs = 4096

func maxprocs(_ context.Context, s *session, a *args.Parsed) error {
	before := runtime.GOMAXPROCS(0)
	switch {
	case len(a.Words) == 0:
		fmt.Fprintf(s.out, "GOMAXPROCS: %d\n", before)
		return nil
	case len(a.Words) == 1 && a.Words[0] == "default":
		runtime.SetDefaultGOMAXPROCS()
	default:
		n, err := strconv.ParseUint(a.Words[0], 10, 16)
		if err != nil || n == 0 || n > maxProcs || len(a.Words) > 1 {
			return fmt.Errorf("%s is not a number of processors; try maxprocs 4, maxprocs default", words.Show(a.Words[len(a.Words)-1]))
		}
		runtime.GOMAXPROCS(int(n))
	}
	fmt.Fprintf(s.out, "GOMAXPROCS: %d, was %d\n", runtime.GOMAXPROCS(0), before)
	return nil
}

// noArguments is for commands that run apart and take none.
func noArguments(arguments []string) error {
	if len(arguments) > 0 {
		return errors.New("takes no arguments")
	}
	return nil
}
