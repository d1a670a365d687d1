package terminal

import (
	"bytes"
	"strings"
	"testing"
)

func TestPalette(t *testing.T) {
	for _, test := range []struct {
		term, noColour string
		coloured       bool
	}{{"xterm", "", true}, {"xterm", "1", false}, {"dumb", "", false}, {"", "", false}} {
		t.Setenv("TERM", test.term)
		t.Setenv("NO_COLOR", test.noColour)
		if got := newPalette() != (palette{}); got != test.coloured {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestStackPainter(t *testing.T) {
	const text = `44 of 46 goroutines in 15 groups: 25 chan send

#1: 22 chan send, ids 41 42
    main.printReceipt  /home/op/lazy/demo.go:161
    created by main.leakReceipts in goroutine 40  /home/op/lazy/demo.go:154

+61 grown from 22 to 83: chan send
    main.a()
-1 gone: select
`
	for _, step := range []int{1, 7, 1000} {
		var b bytes.Buffer
		p := stackPainter{w: &b, palette: palette{strong: "<", faint: "(", plain: ">"}}
		for rest := text; rest != ""; {
			n := min(step, len(rest))
			p.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		p.Close()
		const want = `44 of 46 goroutines in 15 groups: 25 chan send

<#1: 22 chan send>, ids 41 42
    main.printReceipt  (/home/op/lazy/demo.go:161>
    (created by main.leakReceipts in goroutine 40  /home/op/lazy/demo.go:154>

<+61 grown from 22 to 83: chan send>
    main.a()
<-1 gone: select>
`
		if b.String() != want {
			t.Errorf("in steps of %d:\n%s", step, b.String())
		}
	}
}

// FuzzStackPainter is about a process whose answers are not what they should
// be: nothing may be lost.
func FuzzStackPainter(f *testing.F) {
	f.Add("#1: 2 running, id 4\n    a  b\n+1 new", 3)
	f.Fuzz(func(t *testing.T, text string, step int) {
		if strings.ContainsAny(text, "\x01\x02") {
			return
		}
		var b bytes.Buffer
		p := stackPainter{w: &b, palette: palette{strong: "\x01", faint: "\x01", plain: "\x02"}}
		for rest := text; rest != ""; {
			n := min(max(1, step), len(rest))
			p.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		p.Close()
		if got := strings.NewReplacer("\x01", "", "\x02", "").Replace(b.String()); got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}
