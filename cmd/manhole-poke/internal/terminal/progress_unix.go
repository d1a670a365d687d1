//go:build linux || darwin || freebsd

package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/internal/frame"
	"golang.org/x/term"
)

// NewProgress returns a function that shows progress on one line of a terminal.
// A progress with nothing left removes the line. If w is not a terminal, the
// function does nothing.
func NewProgress(w *os.File) func(frame.Progress) {
	if !term.IsTerminal(int(w.Fd())) {
		return func(frame.Progress) {}
	}
	drawn := 0
	return func(p frame.Progress) {
		columns, _, err := term.GetSize(int(w.Fd()))
		if err != nil || columns <= 0 {
			columns = 80
		}
		line := progressLine(p, columns-1) // the cursor may wrap after the last column
		// Blanks, because not every terminal can erase a line.
		over := max(0, min(drawn, columns-1)-len([]rune(line)))
		io.WriteString(w, "\r"+line+strings.Repeat(" ", over)+strings.Repeat("\b", over))
		if drawn = len([]rune(line)); drawn == 0 {
			io.WriteString(w, "\r")
		}
	}
}

// progressLine returns at most width characters, and none at the end.
func progressLine(p frame.Progress, width int) string {
	const bar = 30
	var done int
	var left string
	switch { // the figures are another process's
	case p.Size > 0 && p.Done >= 0 && p.Done < p.Size:
		done = int(float64(p.Done) / float64(p.Size) * bar)
		left = fmt.Sprintf("%d of %d MiB", p.Done>>20, p.Size>>20)
	case p.Left <= 0:
		return ""
	case p.Seconds > p.Left:
		done = int(float64(p.Seconds-p.Left) / float64(p.Seconds) * bar)
		fallthrough
	default:
		left = fmt.Sprintf("%d s left", p.Left)
	}
	what := printable.Line(p.What)
	line := fmt.Sprintf("%s [%s%s] %s", what, strings.Repeat("=", done), strings.Repeat(" ", bar-done), left)
	if len([]rune(line)) > width {
		line = what + ": " + left
	}
	if r := []rune(line); len(r) > width {
		line = string(r[:max(0, width)])
	}
	return line
}
