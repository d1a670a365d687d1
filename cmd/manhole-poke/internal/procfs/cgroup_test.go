package procfs

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestParseCgroups(t *testing.T) {
	got := ParseCgroups([]byte(bothCgroups))
	want := map[string]string{"freezer": "/pods/a:b", "cpu": "/pods/a", "cpuacct": "/pods/a", "": "/pods/a.slice"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestParseCounts(t *testing.T) {
	got := ParseCounts([]byte("populated 1\nfrozen 0\nnr_throttled 12\nodd\nbad x\n"))
	if want := map[string]uint64{"populated": 1, "frozen": 0, "nr_throttled": 12}; !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestParsePressure(t *testing.T) {
	if percent, ok := ParsePressure([]byte(memPressure)); !ok || percent != 12.5 {
		t.Errorf("got %v, %v", percent, ok)
	}
	for _, bad := range []string{"", "some avg10=1", "full avg10=x", "full avg10=NaN", "full avg10=200", "full 10"} {
		if percent, ok := ParsePressure([]byte(bad)); ok {
			t.Errorf("%q: got %v", bad, percent)
		}
	}
}

func FuzzParseCgroups(f *testing.F) {
	f.Add([]byte(bothCgroups))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, path := range ParseCgroups(text) {
			if path[0] != '/' || slices.Contains(strings.Split(path, "/"), "..") {
				t.Errorf("%q: %q", text, path)
			}
		}
	})
}

func FuzzParseCounts(f *testing.F) {
	f.Add([]byte("populated 1\nfrozen 0\n"))
	f.Fuzz(func(_ *testing.T, text []byte) { ParseCounts(text) })
}

func FuzzParsePressure(f *testing.F) {
	f.Add([]byte(memPressure))
	f.Fuzz(func(t *testing.T, text []byte) {
		if percent, ok := ParsePressure(text); ok && !(percent >= 0 && percent <= 100) {
			t.Errorf("%q: %v", text, percent)
		}
	})
}
