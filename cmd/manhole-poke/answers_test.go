package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestAnswers(t *testing.T) {
	long := strings.Repeat("x", 3*ownLineMax)
	for _, c := range []struct {
		said, passed                 string
		turnedAway, closing, failure string
		failures                     int
	}{
		{said: ""},
		{said: "plain\n", passed: "plain\n"},
		{said: "\x00\xff\n\n", passed: "\x00\xff\n\n"},
		{said: refused + " no\n", turnedAway: refused + " no"},
		{said: refused + " no end", turnedAway: refused + " no end"},
		{said: busy + " uid 1\nmore", turnedAway: busy + " uid 1", passed: "more"},
		{said: refused + long, turnedAway: refused + long},
		{said: "a\n" + refused + " b\n", passed: "a\n" + refused + " b\n"},
		{said: "lazy: refus", passed: "lazy: refus"},
		{said: failed + " a: b\n" + failed + " c", passed: failed + " a: b\n" + failed + " c", failures: 2, failure: failed + " a: b"},
		{said: failed + long + "\n", passed: failed + long + "\n", failures: 1, failure: (failed + long)[:ownLineMax]},
		{said: "x " + failed + "\n", passed: "x " + failed + "\n"},
		{said: prompt + prompt + failed + " a\r\n", passed: prompt + prompt + failed + " a\r\n", failures: 1, failure: failed + " a"},
		{said: "hello\n" + prompt + closing + " silent\n", passed: "hello\n" + prompt + closing + " silent\n", closing: closing + " silent"},
		{said: long + "\n" + closing + " x", passed: long + "\n" + closing + " x", closing: closing + " x"},
	} {
		for _, step := range []int{1, 2, 7, 1 << 20} {
			var out bytes.Buffer
			a := &answers{w: &out}
			for said := []byte(c.said); len(said) > 0; {
				n := min(step, len(said))
				if m, err := a.Write(said[:n]); m != n || err != nil {
					t.Fatal(m, err)
				}
				said = said[n:]
			}
			if err := a.end(); err != nil {
				t.Fatal(err)
			}
			turnedAway, passed := c.turnedAway, c.passed
			if strings.HasSuffix(c.turnedAway, long) {
				// Longer than any line of lazy's: cut where it was settled.
				turnedAway, passed = a.turnedAway, strings.TrimPrefix(c.said, a.turnedAway)
			}
			if a.turnedAway != turnedAway || a.closing != c.closing || a.failure != c.failure || a.failures != c.failures || out.String() != passed {
				t.Errorf("%.40q by %d: %+v, passed on %.40q", c.said, step, a, out.String())
			}
			if a.heard() != (c.said != "") {
				t.Errorf("%.40q by %d: heard %v", c.said, step, a.heard())
			}
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(prompt+closing+" x\n"+failed+" y\n"), 3)
	f.Add([]byte(refused+" x\n"), 1)
	f.Fuzz(func(t *testing.T, said []byte, step int) {
		if step < 1 || step > 1<<16 {
			return
		}
		var out bytes.Buffer
		a := &answers{w: &out}
		for rest := said; len(rest) > 0; {
			n := min(step, len(rest))
			a.Write(rest[:n])
			rest = rest[n:]
		}
		a.end()
		if a.turnedAway == "" && !bytes.Equal(out.Bytes(), said) {
			t.Errorf("%q became %q", said, out.Bytes())
		}
		if whole := a.turnedAway + out.String(); a.turnedAway != "" && len(whole) < len(said)-1 {
			t.Errorf("%q: lost all but %q", said, whole)
		}
		if len(a.line) > ownLineMax {
			t.Errorf("remembers %d bytes of a line", len(a.line))
		}
	})
}
