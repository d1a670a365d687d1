//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/internal/frame"
	"golang.org/x/term"
)

// newProgress shows on one line of a terminal how far something that takes
// its time has come. The end, an Advance with nothing left, takes the line
// away. On what is no terminal it shows nothing.
func newProgress(w *os.File) func(frame.Advance) {
	if !term.IsTerminal(int(w.Fd())) {
		return func(frame.Advance) {}
	}
	drawn := 0
	return func(a frame.Advance) {
		columns, _, err := term.GetSize(int(w.Fd()))
		if err != nil || columns <= 0 {
			columns = 80
		}
		line := progressLine(a, columns-1) // in the last column the cursor might wrap
		// Blanks instead of the sequence that erases, which not every
		// terminal knows.
		over := max(0, min(drawn, columns-1)-len([]rune(line)))
		io.WriteString(w, "\r"+line+strings.Repeat(" ", over)+strings.Repeat("\b", over))
		if drawn = len([]rune(line)); drawn == 0 {
			io.WriteString(w, "\r")
		}
	}
}

// progressLine is at most width wide, and empty at the end.
func progressLine(a frame.Advance, width int) string {
	if a.Left <= 0 {
		return ""
	}
	const bar = 30
	done := 0
	if a.Seconds > a.Left { // the figures are another process's
		done = int(float64(a.Seconds-a.Left) / float64(a.Seconds) * bar)
	}
	what, left := printable.Line(a.What), fmt.Sprintf("%d s left", a.Left)
	line := fmt.Sprintf("%s [%s%s] %s", what, strings.Repeat("=", done), strings.Repeat(" ", bar-done), left)
	if len([]rune(line)) > width {
		line = what + ": " + left
	}
	if r := []rune(line); len(r) > width {
		line = string(r[:max(0, width)])
	}
	return line
}
