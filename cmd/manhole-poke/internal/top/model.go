// Package top is a live view of processes at a terminal.
//
// A [Model] holds what is known of the processes and what the person chose to
// see, and is used by one goroutine. [Model.Render] makes lines of it. [Run]
// has the sessions and the terminal.
package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/stackdump"
)

// Limits of what is held of one process, and of all. A dump has its largest groups
// first, so those are held.
const (
	maxStacks    = 10_000
	maxAllStacks = 50_000
)

// A Sample is what a process answered at one moment.
type Sample struct {
	When     time.Time
	Dump     *stackdump.Dump
	Metrics  Metrics
	CPU      time.Duration // that the process has used, if that is known
	CPUKnown bool
	Cost     time.Duration // CPU time of the process for the answers, at most
	Note     string        // what could not be had, and why
}

// A Proc is one process.
type Proc struct {
	PID  int
	Name string

	Asked  time.Time // when a question was sent that is not answered; else zero
	Ended  error     // why nothing more comes
	Every  time.Duration
	CPU    Profile
	Notice string

	max         int     // stacks
	now, before *Sample // before is nil at first
	start       int     // goroutines when the view, or the counting, began
	stacks      map[string]*stack
	left        int // goroutines in groups that are not held
}

// A stack is what a process has of one stack.
type stack struct {
	start, before, now int
	group              stackdump.Group // the largest with that stack, without ids
	states             []string        // the most frequent first
}

// Add takes a sample.
func (p *Proc) Add(s *Sample) {
	first := p.stacks == nil
	if first {
		p.stacks, p.max = map[string]*stack{}, cmp.Or(p.max, maxStacks)
		p.start = s.Dump.Total
	}
	p.before, p.now, p.Notice = p.now, s, s.Note
	for key, st := range p.stacks {
		if st.start == 0 && st.now == 0 {
			delete(p.stacks, key)
		}
		st.before, st.now, st.states = st.now, 0, nil
	}
	p.left = 0
	for i := range s.Dump.Groups {
		g := s.Dump.Groups[i]
		if g.System {
			continue
		}
		key := keyOf(g.Frames)
		st := p.stacks[key]
		if st == nil {
			if len(p.stacks) >= p.max {
				p.left += g.Count
				continue
			}
			st = &stack{}
			p.stacks[key] = st
		}
		if st.now == 0 {
			g.IDs = nil
			st.group = g
		}
		st.now += g.Count
		if !slices.Contains(st.states, g.State) && len(st.states) < 5 {
			st.states = append(st.states, g.State)
		}
	}
	if first {
		p.Reset()
	}
	s.Dump = &stackdump.Dump{Total: s.Dump.Total, Missing: s.Dump.Missing, Full: s.Dump.Full, Stopped: s.Dump.Stopped, Elapsed: s.Dump.Elapsed}
}

// Reset has growth count from now on.
func (p *Proc) Reset() {
	for _, st := range p.stacks {
		st.start = st.now
	}
	if p.now != nil {
		p.start = p.now.Dump.Total
	}
}

// keyOf returns what identifies a stack in full and in grouped dumps. As in
// [stackdump.Diff], of one deeper than 100 frames the 50 innermost count.
func keyOf(frames []stackdump.Frame) string {
	if len(frames) > 100 || slices.ContainsFunc(frames, func(f stackdump.Frame) bool { return f.File == "" }) {
		frames = frames[:min(50, len(frames))]
	}
	var b strings.Builder
	for _, f := range frames {
		fmt.Fprintf(&b, "%s\n%s:%d\n", f.Func, f.File, f.Line)
	}
	return b.String()
}

// An Order is what groups are sorted by.
type Order int

const (
	ByGrowth Order = iota
	ByTick
	ByCount
	ByWait
	ByName
	orders
)

func (o Order) String() string {
	return [orders]string{"growth since the start", "growth since the last tick", "count", "longest wait", "name"}[o]
}

// A Row is one stack in all processes that are shown.
type Row struct {
	Key              string
	Count            int
	Growth, LastTick int
	Procs            int
	Wait             time.Duration
	States           []string
	Group            stackdump.Group
	Where            stackdump.Frame
}

// Rows returns the groups of the processes that are shown, filtered and sorted.
func (m *Model) Rows() []Row {
	byKey := map[string]int{}
	var rows []Row
	for _, p := range m.shown() {
		for key, st := range p.stacks {
			i, ok := byKey[key]
			if !ok {
				i = len(rows)
				byKey[key] = i
				rows = append(rows, Row{Key: key, Group: st.group, Where: where(st.group.Frames)})
			}
			r := &rows[i]
			r.Count += st.now
			r.Growth += st.now - st.start
			if p.before != nil {
				r.LastTick += st.now - st.before
			}
			if st.now > 0 {
				r.Procs++
				r.Wait = max(r.Wait, st.group.MaxWait)
				for _, s := range st.states {
					if !slices.Contains(r.States, s) && len(r.States) < 5 {
						r.States = append(r.States, s)
					}
				}
			}
		}
	}
	rows = slices.DeleteFunc(rows, func(r Row) bool {
		return r.Count == 0 && r.Growth == 0 && r.LastTick == 0 || !m.matches(&r)
	})
	slices.SortFunc(rows, func(a, b Row) int {
		var first int
		switch m.Order {
		case ByGrowth:
			first = cmp.Compare(b.Growth, a.Growth)
		case ByTick:
			first = cmp.Compare(b.LastTick, a.LastTick)
		case ByWait:
			first = cmp.Compare(b.Wait, a.Wait)
		case ByName:
			first = cmp.Compare(a.Where.Func, b.Where.Func)
		}
		return cmp.Or(first, cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key, b.Key))
	})
	return rows
}

// matches reports whether the filter lets a row through.
func (m *Model) matches(r *Row) bool {
	f := strings.ToLower(m.Filter)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), f) }
	return f == "" || slices.ContainsFunc(r.States, has) || has(r.Group.CreatedBy.Func) ||
		slices.ContainsFunc(r.Group.Frames, func(fr stackdump.Frame) bool { return has(fr.Func) || has(fr.File) })
}

// machinery are the packages by which goroutines wait. The first frame outside of
// them says more.
var machinery = []string{"runtime", "internal", "sync", "time", "net", "os", "io", "bufio", "syscall", "context", "crypto", "golang.org/x/sync", "golang.org/x/sys", "golang.org/x/net"}

// where returns the frame that best says what a goroutine does.
func where(frames []stackdump.Frame) stackdump.Frame {
	for _, f := range frames {
		if f.File != "" && !slices.ContainsFunc(machinery, func(p string) bool {
			rest, ok := strings.CutPrefix(f.Func, p)
			return ok && rest != "" && (rest[0] == '.' || rest[0] == '/')
		}) {
			return f
		}
	}
	if len(frames) > 0 {
		return frames[0]
	}
	return stackdump.Frame{Func: "(no stack)"}
}

// shown returns the processes whose groups are shown.
func (m *Model) shown() []*Proc {
	if m.Selected >= 0 && m.Selected < len(m.Procs) {
		return m.Procs[m.Selected : m.Selected+1]
	}
	return m.Procs
}

// Over reports whether nothing more comes from any process.
func (m *Model) Over() bool {
	return !slices.ContainsFunc(m.Procs, func(p *Proc) bool { return p.Ended == nil })
}

// title names a process.
func (p *Proc) title() string {
	switch {
	case p.PID == 0:
		return printable.Line(p.Name)
	case p.Name == "":
		return fmt.Sprint(p.PID)
	}
	return fmt.Sprintf("%s %d", printable.Line(p.Name), p.PID)
}
