package stackdump

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/bits"
	"runtime"
	"time"
)

// maxText bounds the text of a full capture, in bytes. Half of what memory the
// system and the cgroup have left bounds it further, where that can be known.
const maxText = 1 << (26 + 6*(bits.UintSize/64)) // 4 GiB; 64 MiB where pointers have 32 bits

// perGoroutine is more than what the runtime prints of a goroutine: at most 100
// frames of some 200 bytes each.
const perGoroutine = 32 << 10

// full fills g from runtime.Stack in a process of about n goroutines.
func (d *Dump) full(ctx context.Context, g *gatherer, n int) error {
	d.Full = true
	t := takeText(n)
	defer t.release()
	d.Stopped = t.stopped
	parsed, labels := 0, false
	newTextParser().parse(t.text, t.cut, func(r *record) bool {
		g.add(r)
		parsed++
		labels = labels || len(r.labels) > 0
		return parsed%1024 != 0 || ctx.Err() == nil
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	d.Total = parsed
	if t.cut {
		d.Total = max(n, parsed+1)
		d.Missing = d.Total - parsed
	}
	if !labels {
		return g.addLabels(ctx)
	}
	return nil
}

// text is what runtime.Stack wrote.
type text struct {
	text    []byte
	cut     bool // there was more
	bound   int
	stopped time.Duration
	release func()
}

// takeText stops the world once, because the stop is as long for a buffer that
// turns out too small as for one that is not. The memory is only reserved, and
// used as far as the text goes. Where that cannot be had (see scratch), and the
// text does not fit, it tries again with more.
func takeText(n int) text {
	bound := maxText
	if r := room(); r >= 0 {
		bound = int(min(int64(bound), max(r/2, 1<<20)))
	}
	size := bound
	if n < (bound-1<<20)/perGoroutine {
		size = 1<<20 + n*perGoroutine
	}
	for {
		buf, release := scratch(size)
		start := time.Now()
		used := runtime.Stack(buf, true)
		t := text{buf[:used], used == len(buf), bound, time.Since(start), release}
		if !t.cut || len(buf) >= bound {
			return t
		}
		size = min(4*len(buf), bound)
		release()
	}
}

// WriteRaw writes the stacks of all goroutines in the runtime's own words, as
// runtime.Stack does, for the tools that read those. It stops the world for
// about Estimate(runtime.NumGoroutine()).
//
// What does not fit into memory (the bound is 4 GiB, or half of what the system
// has left) is left out in whole goroutines, and a last line says how many.
//
// The error is w's or, if ctx is done, its cause.
func WriteRaw(ctx context.Context, w io.Writer) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	n := runtime.NumGoroutine()
	t := takeText(n)
	defer t.release()
	text := t.text
	if t.cut {
		text = text[:max(bytes.LastIndex(text, []byte("\n\n"))+1, 0)]
	}
	for len(text) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		part := text[:min(len(text), 64<<10)]
		if _, err := w.Write(part); err != nil {
			return err
		}
		text = text[len(part):]
	}
	if t.cut {
		whole := bytes.Count(t.text, []byte("\n\n"))
		_, err := fmt.Fprintf(w, "\n...%d of %d goroutines left out: their stacks did not fit into %s...\n", max(n-whole, 1), max(n, whole+1), size(int64(len(t.text))))
		return err
	}
	return nil
}

// Estimate returns how long a full capture of that many goroutines is expected to
// stop the world.
func Estimate(goroutines int) time.Duration {
	n := time.Duration(max(goroutines, 0))
	few := min(n, 1000)
	return few*7*time.Microsecond + (n-few)*14*time.Microsecond
}

// size prints a number of bytes.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
}
