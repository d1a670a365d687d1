package stackdump

import (
	"bytes"
	"context"
	"runtime"
	"runtime/pprof"
	"strconv"
)

// profileDepth is how many frames of a stack the goroutine profile holds
// (unless GODEBUG's profstackdepth says otherwise).
const profileDepth = 128

const cutFrame = "...more frames elided..."

// grouped fills g from the goroutine profile.
//
// The text (debug=1) and not the protocol buffer (debug=0): both cost the same
// to make, since the identical stacks are merged by a textual key either way,
// but the text can be read as it is written. The protocol buffer has its string
// table at the end, must be unpacked, and lists this process's mappings.
func (d *Dump) grouped(ctx context.Context, g *grouper) error {
	p := newProfileParser(symbolize, func(r *record) { g.add(r) })
	if err := readProfile(ctx, p); err != nil {
		return err
	}
	d.Total = max(p.total, g.total)
	d.Missing += d.Total - g.total
	return nil
}

func readProfile(ctx context.Context, p *profileParser) error {
	err := pprof.Lookup("goroutine").WriteTo(stopWriter{ctx, p}, 1)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	p.close()
	return err
}

// addLabels counts the profile's labels in the groups of a full capture whose
// text had none: Go prints them there only on request before 1.27. Which id has
// which labels is known only if all goroutines of a group have the same.
func (g *grouper) addLabels(ctx context.Context) error {
	p := newProfileParser(symbolize, func(r *record) {
		if r.labelsCut && !g.skips(r.frames) {
			g.labelsDropped += r.count
		}
		if len(r.labels) == 0 || g.skips(r.frames) {
			return
		}
		// The state may have changed in between and the creator is not known,
		// so the first group with this stack and room for labels is taken.
		for _, group := range g.byStack(r.frames) {
			n := min(r.count, group.Count-group.labelled)
			if n > 0 {
				g.label(group, r.labels, n)
				group.labelled += n
				r.count -= n
			}
			if r.count == 0 {
				break
			}
		}
	})
	if err := readProfile(ctx, p); err != nil {
		return err
	}
	for _, list := range g.byHash {
		for _, group := range list {
			switch {
			case group.labelled == 0:
			case len(group.Labels) == 1 && group.labelled == group.Count:
				clear(group.sets) // all have the first set
			default:
				group.sets = nil
			}
		}
	}
	return nil
}

// stopWriter makes a profile end early.
type stopWriter struct {
	ctx context.Context
	p   *profileParser
}

func (w stopWriter) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.p.Write(b)
}

// profileParser reads the text of a goroutine profile as it is written:
//
//	goroutine profile: total 4
//	3 @ 0x42f1a0 0x409e45 0x409a12 0x48f2c5 0x45e841
//	# labels: {"tenant":"blue"}
//	#	0x48f2c4	main.work+0x24	/src/main.go:12
//
// Only the first two kinds of line are read. The others, for people, leave out
// the runtime's functions at the top, of which the state is read off.
type profileParser struct {
	symbolize func(pc uintptr) []symbol
	visit     func(*record)
	symbols   map[uintptr][]symbol

	total int // as the first line says
	line  []byte
	stack []symbol
	r     record
	open  bool // r is to be visited when the next begins
	long  bool // the line is longer than what is kept of it
}

// maxLine bounds a line. The longest is one of labels; goroutines with labels that
// do not fit are counted.
const maxLine = 64 << 10

func newProfileParser(symbolize func(uintptr) []symbol, visit func(*record)) *profileParser {
	return &profileParser{symbolize: symbolize, visit: visit, symbols: map[uintptr][]symbol{}}
}

func (p *profileParser) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		part := b
		if i >= 0 {
			part, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		if room := maxLine - len(p.line); len(part) > room {
			part, p.long = part[:room], true
		}
		if i >= 0 && len(p.line) == 0 {
			p.parse(part)
			p.long = false
			continue
		}
		p.line = append(p.line, part...)
		if i >= 0 {
			p.parse(p.line)
			p.line, p.long = p.line[:0], false
		}
	}
	return n, nil
}

// close visits the last stack.
func (p *profileParser) close() {
	if len(p.line) > 0 {
		p.parse(p.line)
		p.line = p.line[:0]
	}
	p.flush()
}

func (p *profileParser) flush() {
	if p.open {
		p.open = false
		p.visit(&p.r)
	}
}

func (p *profileParser) parse(line []byte) {
	if len(line) == 0 {
		return
	}
	if line[0] == '#' {
		if list, ok := bytes.CutPrefix(line, []byte("# labels: {")); ok && p.open {
			p.r.labels, _ = parseLabels(p.r.labels[:0], list)
			p.r.labelsCut = p.long
		}
		return
	}
	if number, ok := bytes.CutPrefix(line, []byte("goroutine profile: total ")); ok {
		p.total, _ = strconv.Atoi(string(number))
		return
	}
	number, pcs, ok := bytes.Cut(line, []byte(" @"))
	if !ok {
		return
	}
	p.flush()
	count, err := strconv.ParseUint(string(number), 10, 31)
	if err != nil || count == 0 {
		return
	}
	p.r = record{count: int(count), frames: p.r.frames[:0], labels: p.r.labels[:0]}
	p.open = true

	p.stack = p.stack[:0]
	depth := 0
	for len(pcs) > 0 {
		var word []byte
		word, pcs, _ = bytes.Cut(bytes.TrimLeft(pcs, " "), []byte(" "))
		pc, err := strconv.ParseUint(string(word), 0, 64)
		if err != nil {
			break
		}
		depth++
		p.stack = append(p.stack, p.lookup(uintptr(pc))...)
	}
	p.r.state = stateOf(p.stack)
	whole := depth < profileDepth
	p.r.frames, whole = appendFrames(p.r.frames, p.stack, whole)
	if !whole {
		p.r.frames = append(p.r.frames, Frame{Func: cutFrame})
	}
}

// appendFrames appends the frames that the runtime shows of a stack; all, if
// it shows none of them.
func appendFrames(frames []Frame, stack []symbol, whole bool) ([]Frame, bool) {
	if n := len(stack); n > 0 && stack[n-1].Func == "runtime.goexit" {
		stack, whole = stack[:n-1], true
	}
	for i, s := range stack {
		if visible(s.Func) && !(i == 0 && s.Func == "runtime.gopanic") {
			if s.Func == "runtime.gopanic" {
				s.Func = "panic" // as in a full capture
			}
			frames = append(frames, s.Frame)
		}
	}
	if len(frames) == 0 {
		for _, s := range stack {
			frames = append(frames, s.Frame)
		}
	}
	return frames, whole
}

// lookup symbolizes one PC. A process executes only so many call sites, so the
// map stays small.
func (p *profileParser) lookup(pc uintptr) []symbol {
	s, ok := p.symbols[pc]
	if !ok {
		s = p.symbolize(pc)
		if len(p.symbols) < 1<<18 {
			p.symbols[pc] = s
		}
	}
	return s
}

// symbolize returns the frames that a PC of a profile of this process stands for.
func symbolize(pc uintptr) []symbol {
	var symbols []symbol
	frames := runtime.CallersFrames([]uintptr{pc})
	for {
		f, more := frames.Next()
		s := symbol{Frame{f.Function, f.File, f.Line}, -1}
		if f.Function == "" {
			s.Func = nonGo + "0x" + strconv.FormatUint(uint64(pc), 16)
		}
		if f.Func != nil {
			_, first := f.Func.FileLine(f.Entry)
			s.offset = f.Line - first
		}
		symbols = append(symbols, s)
		if !more {
			return symbols
		}
	}
}
