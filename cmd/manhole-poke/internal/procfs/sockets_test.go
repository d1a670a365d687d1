package procfs

import (
	"slices"
	"testing"
)

func TestParseUnixListeners(t *testing.T) {
	got := ParseUnixListeners([]byte(unixSockets))
	if want := []string{"/tmp/man hole-5401", "@manhole-7"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func FuzzParseUnixListeners(f *testing.F) {
	f.Add([]byte(unixSockets))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, path := range ParseUnixListeners(text) {
			if path[0] != '/' && path[0] != '@' || len(path) > MaxPath {
				t.Errorf("%q: %q", text, path)
			}
		}
	})
}
