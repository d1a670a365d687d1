package top

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
)

// A column of the table of processes. The last ones are left out first.
type column struct {
	head  string
	width int
	value func(p *Proc) string
}

var columns = []column{
	{"GOROUTINES", 10, func(p *Proc) string { return fmt.Sprint(p.now.Dump.Total) }},
	{"GROWTH", 7, func(p *Proc) string { return signed(p.now.Dump.Total - p.start) }},
	{"CPU", 5, func(p *Proc) string { return amount(100*p.cpuShare(), "%") }},
	{"HEAP", 5, func(p *Proc) string { return amount(p.now.Metrics.value(heapBytes), "B") }},
	{"SCHED", 6, func(p *Proc) string { return amount(p.interval(latencies, 0.99), "s") }},
	{"GCS", 4, func(p *Proc) string { return amount(p.grown(cycles), "n") }},
	{"PAUSE", 6, func(p *Proc) string { return amount(p.interval(gcPauses, 1), "s") }},
	{"COST", 5, func(p *Proc) string { return p.cost() }},
	{"ALLOC/S", 7, func(p *Proc) string { return amount(p.grown(allocated)/p.passed(), "B") }},
	{"GOAL", 5, func(p *Proc) string { return amount(p.now.Metrics.value(heapGoal), "B") }},
	{"STOP", 6, func(p *Proc) string { return p.stop() }},
}

// processes is the table, in at most height lines and the head.
func (m *Model) processes(width, height int, now time.Time) []Line {
	const pid, name = 7, 10
	used, n := 1+pid+2+name, 0
	for n < len(columns) && used+1+columns[n].width <= width {
		used += 1 + columns[n].width
		n++
	}
	wide := min(name+max(0, width-used), 24)
	head := " " + right("PID", pid) + "  " + left("NAME", wide)
	for _, c := range columns[:n] {
		head += " " + right(c.head, c.width)
	}
	lines := []Line{{head, Head}}
	from := max(0, min(m.Selected-height/2, len(m.Procs)-height))
	for i := from; i < min(len(m.Procs), from+height); i++ {
		p := m.Procs[i]
		mark, style := " ", Plain
		if i == m.Selected {
			mark = ">"
		}
		number := "-"
		if p.PID != 0 {
			number = fmt.Sprint(p.PID)
		}
		var b strings.Builder
		b.WriteString(mark + right(number, pid) + "  " + left(printable.Line(p.Name), wide))
		for _, c := range columns[:n] {
			text := "-"
			if p.now != nil {
				text = c.value(p)
			}
			b.WriteString(" " + right(text, c.width))
		}
		text := b.String()
		switch late := now.Sub(p.Asked); {
		case p.Ended != nil && p.now == nil:
			text, style = text[:len(mark)+pid]+"  "+left(printable.Line(p.Name), wide)+" "+printable.Line(p.Ended.Error()), Alert
		case p.Ended != nil:
			text, style = text+"  ended", Alert
		case !p.Asked.IsZero() && late > patience:
			text = clip(text, 1+pid+2+wide) + fmt.Sprintf(" no answer for %v", late.Round(time.Second))
			style = Alert
		}
		lines = append(lines, Line{text, style})
	}
	if more := len(m.Procs) - height; more > 0 {
		lines[len(lines)-1].Text += fmt.Sprintf("  (%d processes in all: Tab)", len(m.Procs))
	}
	return lines
}

// patience is how long a process may take to answer before the view says so.
const patience = 3 * time.Second

func (p *Proc) passed() float64 {
	if p.before == nil {
		return math.NaN()
	}
	return p.now.When.Sub(p.before.When).Seconds()
}

func (p *Proc) cpuShare() float64 {
	if p.before == nil || !p.now.CPUKnown || !p.before.CPUKnown {
		return math.NaN()
	}
	return (p.now.CPU - p.before.CPU).Seconds() / p.passed()
}

func (p *Proc) grown(name string) float64 {
	if p.before == nil {
		return math.NaN()
	}
	return p.now.Metrics.since(p.before.Metrics, name)
}

func (p *Proc) interval(name string, share float64) float64 {
	if p.before == nil {
		return math.NaN()
	}
	return p.now.Metrics.percentile(p.before.Metrics, name, share)
}

// cost is the share of one CPU that the answers can have taken at most.
func (p *Proc) cost() string {
	passed := p.passed()
	if math.IsNaN(passed) || passed <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", min(100, 100*p.now.Cost.Seconds()/passed))
}

// stop is how long the world stood still for the stacks.
func (p *Proc) stop() string {
	if !p.now.Dump.Full {
		return "-"
	}
	return amount(p.now.Dump.Stopped.Seconds(), "s")
}

func helpLines() (lines []Line) {
	for line := range strings.Lines(help) {
		lines = append(lines, Line{strings.TrimRight(line, "\n"), Plain})
	}
	return lines
}

const help = `Processes
  GROWTH   goroutines more than when the view began
  CPU      of the process since the last tick; 100% is one CPU
  SCHED    99% of the goroutines that became runnable since the last tick ran
           within this time
  GCS      garbage collections since the last tick
  PAUSE    the longest time that one of them stopped the program
  COST     at most this much of one CPU was spent on the answers for this view.
           Holding the session costs a little besides.
  STOP     how long the program stood still for the stacks. It is not known
           above 1,000 goroutines: some 0.2 ms with 100,000.

Groups of goroutines with the same stack
  GROWTH   since the start of the view, or since r
  LAST     since the last tick
  WAIT     the longest wait, in whole minutes, as far as known: not above 1,000
           goroutines

Keys
  q Ctrl-C         leave
  s S              sort by the next or the previous of: growth since the start,
                   growth since the last tick, count, longest wait, name
  / text Enter     show only groups with this text in their stack or state
  arrows j k       move; PgUp, PgDn, Home, End too
  Enter            the stack of the group; Esc goes back
  Tab Shift-Tab    the groups of one process, or of all
  f space          freeze the picture; the processes are not asked in that time
  r                let growth count from now on
  n                ask now
  + -              double or halve the interval
  c                a CPU profile of one second of the processes shown
  C                one every minute, or no more. The program itself cannot
                   start a CPU profile during that second.
`
