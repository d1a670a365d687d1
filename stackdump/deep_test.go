package stackdump

import (
	"bytes"
	"context"
	"regexp"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

//go:noinline
func deeper(n int, c chan int) int {
	if n == 0 {
		return <-c
	}
	return deeper(n-1, c) + 1
}

//go:noinline
func outermost(n int, c chan int) int { return deeper(n, c) + 1 }

// TestDeep: what a capture lacks of a deep stack is said.
func TestDeep(t *testing.T) {
	c := make(chan int)
	defer close(c)
	for range 3 {
		go outermost(200, c)
	}
	outer := []Matcher{regexp.MustCompile(`stackdump\.outermost$`)}
	deep := []Matcher{regexp.MustCompile(`stackdump\.deeper$`)}
	until(t, func() bool {
		return count(capture(t, Options{Full: true}).Filter(Filter{Match: outer, State: []string{"chan"}})) == 3
	})
	d := capture(t, Options{Limit: -1})
	text := render(t, d.Filter(Filter{Match: outer}), RenderOptions{Full: "stack full"})
	for _, want := range []string{"0 of ", "; stack full has them, and stops the world for about ",
		"\nnot seen by the filter: the frames beyond the 128 innermost of 3 deep stacks, which the runtime leaves out; stack full has the 50 innermost and the 50 outermost frames\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	text = render(t, d.Filter(Filter{Match: deep}), RenderOptions{Full: "stack full"})
	if !strings.Contains(text, "\ncut off: 3 stacks of more than 128 frames; those that differ further out are one group; stack full has") || strings.Contains(text, "not seen") {
		t.Error(text)
	}
	text = render(t, d.Filter(Filter{Match: deep, NotMatch: outer}), RenderOptions{})
	if !strings.Contains(text, "not seen by the filter: ") || strings.Contains(text, "stack full") {
		t.Error(text)
	}
	// Raw text of them is whole goroutines.
	var b bytes.Buffer
	d, err := WriteRawOf(context.Background(), &b, Options{}, Filter{Match: outer})
	if err != nil || count(d) != 3 || strings.Count(b.String(), "\ngoroutine ") != 2 || strings.Count(b.String(), " frames elided...(...)\n\t??:0 +0x0\n") != 3 {
		t.Errorf("%v, %d\n%s", err, count(d), b.String())
	}
	stacks(t, b.Bytes())
	b.Reset()
	if err := WriteRaw(context.Background(), &b, Options{}); err != nil {
		t.Fatal(err)
	}
	stacks(t, b.Bytes())
}

func count(d *Dump) (n int) {
	for i := range d.Groups {
		n += d.Groups[i].Count
	}
	return n
}

func until(t *testing.T, ok func() bool) {
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came to that")
		}
	}
}

// stacks reads the text as gostackparse does: each function is followed by a
// place, and nothing else comes between but the creator.
func stacks(t *testing.T, text []byte) {
	t.Helper()
	function, place := regexp.MustCompile(`^[^(\t][^\t]*\(.*\)$`), regexp.MustCompile(`^\t[^:]+:\d+( \+0x[0-9a-f]+)?$`)
	for _, block := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n\n") {
		lines := strings.Split(block, "\n")
		if !strings.HasPrefix(lines[0], "goroutine ") || len(lines)%2 != 1 {
			t.Errorf("%d lines from %q", len(lines), lines[0])
		}
		for i, line := range lines[1:] {
			if i%2 == 1 && !place.MatchString(line) || i%2 == 0 && !function.MatchString(line) && !strings.HasPrefix(line, "created by ") {
				t.Errorf("line %d of %s: %q", i+2, lines[0], line)
			}
		}
	}
}

// TestLabelsTooLong: labels that are too long are counted, and the others are there.
func TestLabelsTooLong(t *testing.T) {
	c := make(chan int)
	defer close(c)
	pprof.Do(context.Background(), pprof.Labels("a", "short", "b", strings.Repeat("x", 100<<10)), func(context.Context) {
		go outermost(0, c)
	})
	match := Filter{Match: []Matcher{regexp.MustCompile(`stackdump\.outermost$`)}, State: []string{"chan"}, Label: []string{"a=short"}}
	until(t, func() bool { return count(capture(t, Options{Limit: -1}).Filter(match)) == 1 })
	if text := render(t, capture(t, Options{Limit: -1}).Filter(match), RenderOptions{}); !strings.Contains(text, "1 goroutines' labels that did not fit") {
		t.Errorf("%.2000s", text)
	}
}
