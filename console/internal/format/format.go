// Package format writes sizes, quantities and texts the way the console shows
// them.
package format

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Size returns a number of bytes as gops writes it: "1.50KB (1536 bytes)".
func Size(n uint64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%s (%d bytes)", ShortSize(n), n)
}

// ShortSize returns a number of bytes, rounded: "1.50KB". Units are powers of
// 1024.
func ShortSize(n uint64) string {
	units := []string{"KB", "MB", "GB", "TB", "PB"}
	if n < 1<<10 {
		return fmt.Sprintf("%d bytes", n)
	}
	scaled, unit := float64(n)/1024, 0
	for n >= 1<<20 && unit < len(units)-1 {
		n, scaled, unit = n>>10, scaled/1024, unit+1
	}
	return fmt.Sprintf("%.2f%s", scaled, units[unit])
}

// shortBytes abbreviates the unit of a size below a kilobyte.
func shortBytes(size string) string {
	if n, ok := strings.CutSuffix(size, " bytes"); ok {
		return n + "B"
	}
	return size
}

// Quantity returns a value with its unit, one of package runtime/metrics.
func Quantity(v float64, unit string) string {
	switch {
	case unit == "bytes" && v >= 0 && v < math.MaxInt64:
		return shortBytes(ShortSize(uint64(v)))
	case unit == "seconds" && v < 1e-3:
		return strconv.FormatFloat(v*1e6, 'f', 1, 64) + "µs"
	case unit == "seconds" && v < 1:
		return strconv.FormatFloat(v*1e3, 'f', 1, 64) + "ms"
	case unit == "seconds":
		return strconv.FormatFloat(v, 'f', 2, 64) + "s"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// OneLine replaces the line breaks in a text from elsewhere, such as the error
// of a command of the program, by blanks.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, s)
}

// Printable returns s, quoted if anything in it is not printable. It is for
// what other processes chose: names, paths, values.
func Printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == '\uFFFD' {
			return strconv.Quote(s)
		}
	}
	return s
}

// Field writes a line "name: value".
//
//go:noinline
func Field(w io.Writer, name string, value any) { fmt.Fprintf(w, "%s: %v\n", name, value) }

// Wrap returns the words of a text in lines of at most width runes, unless one
// word is longer.
func Wrap(text string, width int) (lines []string) {
	line, used := "", 0
	for _, w := range strings.Fields(text) {
		n := len([]rune(w))
		if used > 0 && used+1+n > width {
			lines = append(lines, line)
			line, used = "", 0
		}
		if used > 0 {
			line += " "
			used++
		}
		line += w
		used += n
	}
	if used > 0 {
		lines = append(lines, line)
	}
	return lines
}
