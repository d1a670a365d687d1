package top

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
)

// A Style is how a line looks.
type Style int

const (
	Plain   Style = iota
	Head          // the names of columns
	Cursor        // the row with the cursor
	Growing       // a group that grew since the last tick
	Alert         // what a person should notice
	Faint
)

// A Line is one line of the screen.
type Line struct {
	Text  string
	Style Style
}

// Render returns the lines of a screen, at most height of at most width runes.
func (m *Model) Render(width, height int, now time.Time) []Line {
	if width <= 0 || height <= 0 {
		return nil
	}
	var lines []Line
	switch {
	case m.page == pageHelp:
		lines = m.text(helpLines(), height)
	case m.page == pageGroup:
		lines = m.text(m.group(), height)
	default:
		lines = m.list(width, height, now)
	}
	lines = lines[:min(len(lines), height)]
	for i := range lines {
		lines[i].Text = clip(lines[i].Text, width)
	}
	return lines
}

// list is the page with the processes and the groups.
func (m *Model) list(width, height int, now time.Time) (lines []Line) {
	lines = append(lines, Line{m.state(), Head})
	lines = append(lines, m.processes(width, max(1, height/3), now)...)
	if notice := m.notice(); notice != "" {
		lines = append(lines, Line{notice, Alert})
	}
	cpu := m.cpu(max(0, min(height/3, height-len(lines)-6)))
	rows := m.Rows()
	m.height = max(1, height-len(lines)-len(cpu)-2)
	at := m.at(rows)
	m.point(rows, at)
	lines = append(lines, Line{groupHead, Head})
	from := max(0, min(at-m.height/2, len(rows)-m.height))
	for i := from; i < min(len(rows), from+m.height); i++ {
		r := &rows[i]
		style := Plain
		switch {
		case i == at:
			style = Cursor
		case r.LastTick > 0:
			style = Growing
		case r.Count == 0:
			style = Faint
		}
		lines = append(lines, Line{groupRow(r), style})
	}
	for len(lines) < height-len(cpu)-1 {
		lines = append(lines, Line{})
	}
	return append(append(lines, cpu...), Line{m.footer(width), Faint})
}

// state is the first line.
func (m *Model) state() string {
	text := "manhole-poke top: "
	switch {
	case m.Selected >= 0 && m.Selected < len(m.Procs):
		text += m.Procs[m.Selected].title()
	case len(m.Procs) == 1:
		text += m.Procs[0].title()
	default:
		text += fmt.Sprintf("%d processes", len(m.Procs))
	}
	if m.Frozen {
		return text + ", FROZEN: f goes on"
	}
	text += fmt.Sprintf(", every %v", m.Every)
	if every := m.slowest(); every > m.Every {
		text += fmt.Sprintf(" (slowed down to %v, to cost less)", every.Round(100*time.Millisecond))
	}
	if m.profile {
		text += fmt.Sprintf(", CPU every %v", profileEvery)
	}
	return text + ", by " + m.Order.String()
}

// slowest returns the longest time between two ticks.
func (m *Model) slowest() (d time.Duration) {
	for _, p := range m.shown() {
		d = max(d, p.Every)
	}
	return d
}

// notice says what is wrong.
func (m *Model) notice() string {
	if m.Over() {
		var why string
		if len(m.Procs) > 0 {
			why = m.Procs[len(m.Procs)-1].Ended.Error()
		}
		if len(m.Procs) > 1 {
			why = "all processes are gone; the last: " + why
		}
		return "The last picture; any key leaves. " + printable.Line(why)
	}
	for _, p := range m.shown() {
		switch {
		case p.Ended != nil && len(m.Procs) > 1 && m.Selected >= 0:
			return printable.Line(p.Ended.Error())
		case p.Notice != "":
			return p.title() + ": " + printable.Line(p.Notice)
		case p.left > 0:
			return fmt.Sprintf("%s: %d goroutines in smaller groups are not shown", p.title(), p.left)
		case p.now != nil && p.now.Dump.Missing > 0:
			return fmt.Sprintf("%s: %d goroutines did not fit into its answer", p.title(), p.now.Dump.Missing)
		}
	}
	return ""
}

// cpu is the CPU profile, in at most height lines.
func (m *Model) cpu(height int) (lines []Line) {
	for _, p := range m.shown() {
		switch {
		case p.CPU.Pending:
			lines = append(lines, Line{fmt.Sprintf("CPU of %s: taking a profile of %v", p.title(), profileTime), Head})
		case p.CPU.Err != "":
			lines = append(lines, Line{"CPU of " + p.title() + ": " + printable.Line(p.CPU.Err), Alert})
		case len(p.CPU.Lines) > 0:
			lines = append(lines, Line{fmt.Sprintf("CPU of %s, %v up to %s: %s", p.title(), profileTime, p.CPU.When.Format("15:04:05"), p.CPU.Lines[0]), Head})
			for _, l := range p.CPU.Lines[1:] {
				lines = append(lines, Line{l, Plain})
			}
		}
	}
	return lines[:min(len(lines), height)]
}

const groupHead = "  GROWTH    LAST    COUNT   WAIT  STATE             WHERE"

func groupRow(r *Row) string {
	wait := "-"
	if r.Wait > 0 {
		wait = fmt.Sprintf("%dm", int(r.Wait/time.Minute))
	}
	text := fmt.Sprintf("%8s %7s %8d %6s  %-16s  %s  %s:%d", signed(r.Growth), signed(r.LastTick), r.Count, wait, clip(strings.Join(r.States, ", "), 16), r.Where.Func, base(r.Where.File), r.Where.Line)
	if r.Group.CreatedBy.Func != "" {
		text += "  < " + r.Group.CreatedBy.Func
	}
	return text
}

func signed(n int) string {
	if n == 0 {
		return "."
	}
	return fmt.Sprintf("%+d", n)
}

func base(file string) string { return file[strings.LastIndexByte(file, '/')+1:] }

// footer is the last line.
func (m *Model) footer(width int) string {
	switch {
	case m.typing:
		return "filter: " + m.Filter + "_   (Enter keeps it, Esc drops it)"
	case m.Filter != "":
		return "filter: " + m.Filter + "   (Esc drops it)   q quit  ? help"
	case width < 60:
		return "q quit  ? help"
	}
	return "q quit  ? help  s sort  / filter  Enter stack  f freeze  c CPU  r restart  +- time"
}

// text is a page of text that can be scrolled.
func (m *Model) text(all []Line, height int) []Line {
	room := max(1, height-1)
	m.height = room
	m.scroll = max(0, min(m.scroll, len(all)-room))
	lines := append([]Line(nil), all[m.scroll:min(len(all), m.scroll+room)]...)
	for len(lines) < height-1 {
		lines = append(lines, Line{})
	}
	return append(lines, Line{"Esc goes back  arrows scroll  f freeze  Q quit", Faint})
}

// group is the page of one group.
func (m *Model) group() (lines []Line) {
	add := func(style Style, format string, args ...any) {
		lines = append(lines, Line{printable.Line(fmt.Sprintf(format, args...)), style})
	}
	rows := m.Rows()
	i := 0
	for i < len(rows) && rows[i].Key != m.cursor {
		i++
	}
	if i == len(rows) {
		add(Alert, "The group is gone.")
		return lines
	}
	r := &rows[i]
	add(Head, "%d goroutines, %s since the start, %s since the last tick", r.Count, signed(r.Growth), signed(r.LastTick))
	add(Plain, "state: %s", strings.Join(r.States, ", "))
	if r.Wait > 0 {
		add(Plain, "the longest wait: %v", r.Wait)
	}
	if len(m.Procs) > 1 {
		for _, p := range m.shown() {
			if st := p.stacks[r.Key]; st != nil {
				add(Plain, "in %s: %d, %s since the start", p.title(), st.now, signed(st.now-st.start))
			}
		}
	}
	for i, set := range r.Group.Labels {
		if i == 5 {
			add(Plain, "and %d more sets of labels", len(r.Group.Labels)-i)
			break
		}
		text := ""
		for _, l := range set.Labels {
			text += fmt.Sprintf(" %q=%q", clip(l.Key, 100), clip(l.Value, 100))
		}
		add(Plain, "labels of %d:%s", set.Count, text)
	}
	lines = append(lines, Line{})
	for _, f := range r.Group.Frames {
		add(Plain, "%s", f.Func)
		if f.File != "" {
			lines = append(lines, Line{"    " + printable.Line(fmt.Sprintf("%s:%d", f.File, f.Line)), Faint})
		}
	}
	if c := r.Group.CreatedBy; c.Func != "" {
		add(Plain, "created by %s", c.Func)
		lines = append(lines, Line{"    " + printable.Line(fmt.Sprintf("%s:%d", c.File, c.Line)), Faint})
	}
	return lines
}

// amount returns a value with three digits at most and its unit, or "-" if it is
// not known.
func amount(v float64, unit string) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "-"
	case unit == "s" && v == 0:
		return "0"
	case unit == "s":
		for _, u := range []string{"s", "ms", "µs", "ns"} {
			if v >= 1 || u == "ns" {
				return three(v) + u
			}
			v *= 1000
		}
	case unit == "%":
		return fmt.Sprintf("%.0f%%", v)
	case unit == "n":
		return fmt.Sprintf("%.0f", v)
	}
	units := "BKMGTPE"
	for v >= 1000 && len(units) > 1 {
		v, units = v/1024, units[1:]
	}
	return three(v) + units[:1]
}

func three(v float64) string {
	if v < 10 && v != math.Trunc(v) {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// left and right pad to a width in runes, and cut.
func left(s string, n int) string {
	s = clip(s, n)
	return s + strings.Repeat(" ", n-utf8.RuneCountInString(s))
}

func right(s string, n int) string {
	s = clip(s, n)
	return strings.Repeat(" ", n-utf8.RuneCountInString(s)) + s
}
