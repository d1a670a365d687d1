package stackdump

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strconv"

	"github.com/go-manhole/lazy/internal/memory"
)

// WriteRaw writes the stacks of all goroutines in the runtime's own words, as
// runtime.Stack does, for the tools that read those. It stops the world for
// about Estimate(runtime.NumGoroutine()).
//
// Where the runtime writes "...23 frames elided...", there is a call of that name
// instead: some tools, gostackparse for one, drop the whole goroutine otherwise.
//
// What does not fit into memory (the bound is 4 GiB, 64 MiB where pointers have
// 32 bits, and half of what the system or the cgroup has left) is left out in whole
// goroutines, and a last line says how many. Of the options only Force counts: it
// leaves the first bound alone.
//
// The error is w's or, if ctx is done, its cause.
func WriteRaw(ctx context.Context, w io.Writer, o Options) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t := takeText(runtime.NumGoroutine(), textBound(o.Force))
	defer t.release()
	return t.write(ctx, w)
}

func (t *text) write(ctx context.Context, w io.Writer) error {
	whole := t.text
	if t.cut {
		whole = whole[:bytes.LastIndex(whole, []byte("\n\n"))+1]
	}
	if err := writeText(ctx, w, whole); err != nil {
		return err
	}
	if !t.cut {
		return nil
	}
	n := bytes.Count(whole, []byte("\n\n"))
	if len(whole) > 0 {
		n++
	}
	total := max(t.goroutines, n+1)
	_, err := fmt.Fprintf(w, "\n...%d of %d goroutines left out: there was no memory for more than %s of text...\n", total-n, total, memory.Show(int64(len(t.text))))
	return err
}

// WriteRawOf writes what WriteRaw does of the goroutines that pass f, and returns a
// dump of them. Like [Capture] it fails with a *[MemoryError] if that does not fit.
func WriteRawOf(ctx context.Context, w io.Writer, o Options, f Filter) (*Dump, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	n := runtime.NumGoroutine()
	held, err := checkMemory(n, true, o.Force)
	if err != nil {
		return nil, err
	}
	d, g := new(Dump), newGrouper(o.SkipFunc)
	g.max = held
	t := takeText(n, textBound(o.Force))
	defer t.release()
	labels, err := d.parse(ctx, g, &t)
	if err == nil && !labels && len(f.Label) > 0 {
		err = g.addLabels(ctx)
	}
	if err != nil {
		return nil, err
	}
	d.Skipped, d.Missing, d.labelsDropped = g.skipped, d.Missing+g.missing, g.labelsDropped
	d.Groups = g.groups()
	d = d.Filter(f)
	pass, unknown := map[uint64]bool{}, 0
	for i := range d.Groups {
		unknown += d.Groups[i].Count - len(d.Groups[i].IDs)
		for _, id := range d.Groups[i].IDs {
			pass[id] = true
		}
	}
	blank := []byte(nil)
	for rest := t.text; len(rest) > 0; {
		var block []byte
		i := bytes.Index(rest, []byte("\n\n"))
		switch {
		case i >= 0:
			block, rest = rest[:i+1], rest[i+2:]
		case t.cut:
			rest = nil
		default:
			block, rest = rest, nil
		}
		if !pass[blockID(block)] {
			continue
		}
		if _, err := w.Write(blank); err != nil {
			return d, err
		}
		if err := writeText(ctx, w, block); err != nil {
			return d, err
		}
		blank = []byte("\n")
	}
	if unknown += d.Missing; unknown > 0 {
		_, err = fmt.Fprintf(w, "\n...up to %d goroutines left out that the filter may have chosen: which they are, or what they do, did not fit into memory or is not known...\n", unknown)
	}
	return d, err
}

// blockID returns the id of the goroutine whose text that is, 0 if it is none.
func blockID(block []byte) uint64 {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(block, "\n"), goroutineWord)
	number, _, _ := bytes.Cut(rest, []byte(" "))
	if !ok {
		return 0
	}
	id, _ := strconv.ParseUint(string(number), 10, 64)
	return id
}

// writeText writes text in pieces, with calls in place of the runtime's notes that
// frames were elided.
func writeText(ctx context.Context, w io.Writer, text []byte) error {
	for len(text) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		piece, note := text[:min(len(text), 64<<10)], []byte(nil)
		// A note that a piece would cut in two begins the next one.
		if i := bytes.Index(text[:min(len(text), 64<<10+50)], []byte("\n...")); i >= 0 && i < len(piece) {
			piece = text[:i+1]
			line, _, _ := bytes.Cut(text[i+1:min(len(text), i+60)], []byte("\n"))
			if bytes.HasSuffix(line, []byte(" frames elided...")) {
				note = line
			}
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
		text = text[len(piece)+len(note):]
		if note == nil {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s(...)\n\t??:0 +0x0", note); err != nil {
			return err
		}
	}
	return nil
}
