package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"golang.org/x/term"
)

// A goProcess is what can be seen of a Go process without disturbing it. What
// is nil is not known: the kernel hides it from this user, or the system does
// not tell. The names are those that --json prints.
type goProcess struct {
	PID     int     `json:"pid"`
	NSPid   *int    `json:"nspid"` // in its own pid namespace
	UID     *int    `json:"uid"`   // effective
	User    *string `json:"user"`
	Name    string  `json:"name"` // of the executable; comm if that is hidden
	Comm    string  `json:"comm"` // what the kernel calls it, at most 15 bytes on Linux
	Path    *string `json:"path"` // of the executable, as the kernel tells it
	Deleted bool    `json:"deleted"`
	Go      *string `json:"go"`
	Up      *int64  `json:"up"`     // seconds
	Lazy    *string `json:"lazy"`   // its version, "" if it is not linked
	Armed   *bool   `json:"armed"`  // true if it says so
	Signal  *string `json:"signal"` // nil also if it is not armed
	Socket  *string `json:"socket"` // likewise; as it is called where the process lives
}

// list prints the Go processes of this machine, by pid. None is rung.
func list(o options, args []string) error {
	if len(args) > 0 {
		return failf(statusUsage, "list takes no arguments, not %q; try manhole-poke list", args[0])
	}
	ps, err := goProcesses()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	switch {
	case o.json:
		err = writeLines(&out, ps)
	case len(ps) == 0:
		fmt.Fprintln(os.Stderr, "manhole-poke: no Go process is to be seen from here, other than this one; root sees most")
	default:
		writeTable(&out, ps, terminalWidth(os.Stdout))
	}
	if err == nil {
		_, err = os.Stdout.Write(out.Bytes())
	}
	if err != nil {
		return failf(statusHere, "cannot write the list: %v", err)
	}
	return nil
}

// terminalWidth is 0 for what is not a terminal, where nothing is cut.
func terminalWidth(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// writeLines writes one JSON object per line.
func writeLines(w io.Writer, ps []goProcess) error {
	for _, p := range ps {
		var line bytes.Buffer
		e := json.NewEncoder(&line)
		e.SetEscapeHTML(false)
		if err := e.Encode(p); err != nil {
			return err
		}
		if _, err := w.Write(append(escaped(bytes.TrimSpace(line.Bytes())), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// escaped makes JSON safe to look at: package json leaves control characters
// beyond ASCII as they are, and some terminals obey those. Outside strings
// JSON has none, so each may become the escape that means the same.
func escaped(text []byte) []byte {
	var out []byte
	for _, r := range string(text) {
		if unicode.IsPrint(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, `\u%04x`, u)
		}
	}
	return out
}

// The columns of the table. A pid or a time that is cut is another one.
var columns = []struct {
	head string
	cut  bool
}{{"PID", false}, {"USER", true}, {"NAME", true}, {"GO", true}, {"UP", false}, {"LAZY", true}, {"ARMED", true}}

const unknown = "?"

func (p *goProcess) cells() []string {
	or := func(s *string, empty string) string {
		switch {
		case s == nil:
			return unknown
		case *s == "":
			return empty
		}
		return *s
	}
	name, up := p.Name, unknown
	if p.Deleted {
		name += " (deleted)"
	}
	if p.Up != nil {
		up = upTime(time.Duration(*p.Up) * time.Second)
	}
	cells := []string{strconv.Itoa(p.PID), or(p.User, unknown), name, or(p.Go, unknown), up, or(p.Lazy, "-"), p.armedFor()}
	for i, c := range cells {
		cells[i] = printable.Line(c)
	}
	return cells
}

func (p *goProcess) armedFor() string {
	switch {
	case p.Armed == nil:
		return unknown
	case !*p.Armed:
		return "-"
	}
	return *p.Signal + " " + *p.Socket
}

// upTime says no more than one wants to know: 42s, 5m12s, 3h5m, 12d4h.
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
func writeTable(w io.Writer, ps []goProcess, width int) {
	rows := [][]string{nil}
	for _, c := range columns {
		rows[0] = append(rows[0], c.head)
	}
	for _, p := range ps {
		rows = append(rows, p.cells())
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

// fit takes from whatever column is the widest until all of them fit, or none
// can be narrower.
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

// lazyModule is the module of what is armed.
const lazyModule = "github.com/go-manhole/lazy"

// lazyVersion is what --json calls lazy. A program counts as linked if any
// package of the module is in it, because no more is told.
func lazyVersion(b *debug.BuildInfo) *string {
	if b.Path == "" {
		return nil // built without modules (Bazel does): there is no list
	}
	for _, m := range append([]*debug.Module{&b.Main}, b.Deps...) {
		if m.Path != lazyModule {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		// A directory has no version; go version -m says the same.
		return new(cmp.Or(m.Version, "(devel)"))
	}
	return new("")
}

// executable sets what follows from the path of the executable.
func (p *goProcess) executable(path string) {
	path, p.Deleted = strings.CutSuffix(path, " (deleted)") // proc_pid_exe(5)
	p.Path, p.Name = &path, filepath.Base(path)
}

func sortByPID(ps []goProcess) {
	slices.SortFunc(ps, func(a, b goProcess) int { return cmp.Compare(a.PID, b.PID) })
}
