//go:build linux || darwin || freebsd

package terminal

import (
	"math"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/frame"
)

func TestProgressLine(t *testing.T) {
	for _, test := range []struct {
		p     frame.Progress
		width int
		want  string
	}{
		{frame.Progress{What: "trace", Seconds: 4, Left: 4}, 79, "trace [" + strings.Repeat(" ", 30) + "] 4 s left"},
		{frame.Progress{What: "trace", Seconds: 4, Left: 1}, 79, "trace [" + strings.Repeat("=", 22) + strings.Repeat(" ", 8) + "] 1 s left"},
		{frame.Progress{What: "trace", Seconds: 4}, 79, ""},
		{frame.Progress{What: "trace", Seconds: 4, Left: 1}, 20, "trace: 1 s left"},
		{frame.Progress{What: "trace", Seconds: 4, Left: 1}, 5, "trace"},
		{frame.Progress{What: "trace", Seconds: 4, Left: 1}, -1, ""},
		{frame.Progress{What: "\x1b[2J", Seconds: 1, Left: 2}, 10, "\ufffd[2J: 2 s "},
	} {
		if got := progressLine(test.p, test.width); got != test.want {
			t.Errorf("%+v in %d columns: %q, want %q", test.p, test.width, got, test.want)
		}
	}
}

func FuzzProgressLine(f *testing.F) {
	f.Add("pprof cpu", 30, 12, 79)
	f.Add("\n\x1b", math.MaxInt, math.MinInt, 0)
	f.Fuzz(func(t *testing.T, what string, seconds, left, width int) {
		line := progressLine(frame.Progress{What: what, Seconds: seconds, Left: left}, width)
		if n := len([]rune(line)); n > max(0, width) || strings.ContainsAny(line, "\n\r\x1b") {
			t.Errorf("%q", line)
		}
	})
}
