package console

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"unicode/utf8"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/mark"
	"github.com/go-manhole/lazy/stackdump"
)

// A screen is the size of a person's terminal.
type screen struct{ columns, lines int }

// usual is the screen if its size is not known, as nc does not report it.
var usual = screen{80, 24}

// rows is how many lines of the screen a text fills.
func (c screen) rows(text string) (n int) {
	for line := range strings.Lines(text) {
		n += 1 + max(0, utf8.RuneCountInString(strings.TrimSuffix(line, "\n"))-1)/c.columns
	}
	return n
}

// glance is what a person sees first: the report, as far as it fits on the screen
// with greeting and prompt.
func (s *session) glance() {
	if s.screen.columns == 0 {
		s.screen = usual
	}
	var figures bytes.Buffer
	interrupted := s.run(command{frame.Command{Name: "stats"}, action{run: func(context.Context, *session, *args.Parsed) error {
		fmt.Fprintf(&figures, "goroutines: %d, OS threads: %d, GOMAXPROCS: %d, num CPU: %d\n",
			runtime.NumGoroutine(), pprof.Lookup("threadcreate").Count(), runtime.GOMAXPROCS(0), runtime.NumCPU())
		writeMemorySummary(&figures)
		figures.WriteByte('\n')
		s.out.Write(figures.Bytes())
		return nil
	}}}, nil)
	if interrupted == errInterrupted {
		return
	}
	lines := s.screen.lines - s.screen.rows(s.cfg.Greeting+"\n"+figures.String()+prompt)
	s.run(command{frame.Command{Name: "stack"}, action{run: func(ctx context.Context, s *session, a *args.Parsed) error {
		return s.showLargest(ctx, a, lines)
	}}}, nil)
}

// showLargest shows as many of the largest groups as fit in so many lines of the
// screen, and which command shows the rest.
func (s *session) showLargest(ctx context.Context, a *args.Parsed, lines int) error {
	dump, err := stackdump.Capture(ctx, stackdump.Options{SkipFunc: mark.Func})
	if err != nil {
		return s.withoutStacks(s.howToForce(err, "stack raw, which is cut to fit", "stack", a))
	}
	s.last = dump
	shown := dump.Filter(stackdump.Filter{})
	text, whole := s.screen.fit(lines, func(n int) string {
		var b strings.Builder
		shown.Render(&b, stackdump.RenderOptions{Skipped: skippedBySession, Groups: n})
		return b.String()
	})
	s.out.WriteString(text)
	if !whole {
		s.out.WriteString("lazy: stack shows them all\n")
	}
	return nil
}

// fit returns stacks that fill at most so many lines, with one left for the
// command that shows the rest. render renders the n largest groups. whole reports
// whether all are there.
func (c screen) fit(lines int, render func(n int) string) (text string, whole bool) {
	const least = 3 // lines of a group, with the one above it
	n := max(1, lines/least)
	text = render(n)
	if whole := !strings.Contains(text, " smaller group"); whole && c.rows(text) <= lines {
		return text, true
	}
	lines--
	// How many fit is counted in one text, because each is made from all goroutines.
	used := 2 // of what is left out
	if i := strings.LastIndex(text, leftOut); i >= 0 {
		used = c.rows(text[i+1:])
		text = text[:i+1]
	}
	for i, part := range strings.Split(text, "\n\n#") {
		if used += c.rows(part) + min(i, 1); used > lines {
			n = max(1, i-1)
			break
		}
	}
	for text = render(n); n > 1 && c.rows(text) > lines; text = render(n) {
		n--
	}
	return c.cut(text, lines), false
}

const leftOut = "\n\nleft out: "

// cut shortens the only group in a text.
func (c screen) cut(text string, lines int) string {
	if c.rows(text) <= lines {
		return text
	}
	end := ""
	if i := strings.LastIndex(text, leftOut); i >= 0 {
		text, end = text[:i+1], text[i+1:]
	}
	lines -= c.rows(end) + 1
	var b strings.Builder
	cut := 0
	for line := range strings.Lines(text) {
		if lines -= c.rows(line); lines >= 0 {
			b.WriteString(line)
		} else {
			cut++
		}
	}
	fmt.Fprintf(&b, "    ... %d more lines\n", cut)
	return b.String() + end
}
