package procfs

import (
	"strings"
	"testing"
	"time"
)

func TestExiting(t *testing.T) {
	for text, want := range map[string]bool{
		"":                 false,
		"4712 (x":          false,
		"4712 (x) S 1 2 3": false,
		sleepStat:          false,
		strings.Replace(sleepStat, "4194304", "4194308", 1):                 true,
		strings.Replace(sleepStat, ") S", ") Z", 1):                         true,
		strings.Replace(sleepStat, "(sleep)", "(a) Z 1 2 3 4 5 4 7 (b)", 1): false,
	} {
		if Exiting([]byte(text)) != want {
			t.Errorf("%q: got %v", text, !want)
		}
	}
}

func FuzzExiting(f *testing.F) {
	f.Add([]byte(sleepStat))
	f.Fuzz(func(_ *testing.T, text []byte) { Exiting(text) })
}

func TestParseStat(t *testing.T) {
	s, err := ParseStat([]byte(goStat))
	want := Stat{Name: "order) (a", State: 'R', Parent: 1, flags: 4194368, MajorFaults: 7, User: 1500 * time.Millisecond, System: 500 * time.Millisecond, Started: 1230 * time.Millisecond}
	if err != nil || s != want {
		t.Errorf("got %+v, %v", s, err)
	}
	for _, bad := range []string{"", "4711 (x", strings.Replace(goStat, " 123 ", " -1 ", 1), strings.Replace(goStat, " 123 ", " 9999999999999999999 ", 1), "4711 x) S 1", strings.Replace(goStat, "150", "x", 1), strings.Replace(goStat, ") R", ") ", 1)} {
		if s, err := ParseStat([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, s)
		}
	}
	if s, err := ParseStat([]byte(strings.Replace(goStat, "150", "9223372036854775807", 1))); err != nil || s.User < 0 {
		t.Errorf("very long: %v, %v", s.User, err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(goStat))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := ParseStat(text); err == nil && (s.State == 0 || s.User < 0 || s.System < 0) {
			t.Errorf("%q: %+v", text, s)
		}
	})
}
