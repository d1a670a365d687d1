package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
)

// list prints the Go processes on this machine, by PID. It sends no signal.
func (c *client) list(args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %s; try manhole-poke list", args[0])
	}
	all, err := process.List()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	switch {
	case c.json:
		err = writeLines(&out, all)
	case len(all) == 0:
		c.complain("no Go process is visible here, other than this one; root sees most")
	default:
		writeTable(&out, all, c.width())
	}
	if err == nil {
		_, err = c.stdout.Write(out.Bytes())
	}
	if err != nil {
		return exit.Errorf(exit.LocalIO, "output", "cannot write the list: %v", err)
	}
	return nil
}

// writeLines writes one JSON object per line.
func writeLines(w io.Writer, all []process.Info) error {
	for _, i := range all {
		line, err := printable.JSON(i)
		if err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// The columns of the table, and which may be cut: not a PID or a time, which
// would become another one.
var columns = []struct {
	head string
	cut  bool
}{{"PID", false}, {"USER", true}, {"NAME", true}, {"GO", true}, {"UP", false}, {"LAZY", true}, {"ARMED", true}}

const unknown = "?"

func cells(i *process.Info) []string {
	or := func(s *string, empty string) string {
		switch {
		case s == nil:
			return unknown
		case *s == "":
			return empty
		}
		return *s
	}
	name, up := i.Name, unknown
	if i.Deleted {
		name += " (deleted)"
	}
	if i.Up != nil {
		up = upTime(time.Duration(*i.Up) * time.Second)
	}
	cells := []string{strconv.Itoa(i.PID), or(i.User, unknown), name, or(i.Go, unknown), up, or(i.Lazy, "-"), armedFor(i)}
	for k, text := range cells {
		cells[k] = printable.Line(text)
	}
	return cells
}

func armedFor(i *process.Info) string {
	switch {
	case i.Unanswered:
		return "did not answer"
	case i.Armed == nil:
		return unknown
	case !*i.Armed:
		return "-"
	}
	return *i.Signal + " " + *i.Socket
}

// upTime returns a duration in two units: 42s, 5m12s, 3h5m, 12d4h.
func upTime(d time.Duration) string {
	const day = 24 * time.Hour
	two := func(big time.Duration, b string, small time.Duration, s string) string {
		return fmt.Sprintf("%d%s%d%s", d/big, b, d%big/small, s)
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return two(time.Minute, "m", time.Second, "s")
	case d < day:
		return two(time.Hour, "h", time.Minute, "m")
	}
	return two(day, "d", time.Hour, "h")
}

const gap = "  "

// writeTable cuts what does not fit into width, unless that is 0.
func writeTable(w io.Writer, all []process.Info, width int) {
	rows := [][]string{nil}
	for _, c := range columns {
		rows[0] = append(rows[0], c.head)
	}
	for _, i := range all {
		rows = append(rows, cells(&i))
	}
	widths := make([]int, len(columns))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	if width > 0 {
		fit(widths, width)
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			format := "%-*s" + gap
			if columns[i].head == "PID" {
				format = "%*s" + gap
			}
			fmt.Fprintf(&line, format, widths[i], cut(cell, widths[i]))
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// fit narrows the widest column, again and again, until all fit or none can be
// narrower.
func fit(widths []int, width int) {
	const narrowest = 6
	over := (len(widths) - 1) * len(gap)
	for _, n := range widths {
		over += n
	}
	for over -= width; over > 0; over-- {
		widest := -1
		for i, n := range widths {
			if columns[i].cut && n > narrowest && (widest < 0 || n > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

func cut(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}
