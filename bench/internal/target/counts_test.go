//go:build linux

package target

import (
	"slices"
	"testing"
)

func TestDifferences(t *testing.T) {
	before := Counts{Descriptors: 10, Goroutines: 5, Threads: 4, Files: []string{"a", "b"}}
	for _, c := range []struct {
		after Counts
		want  []string
	}{
		{before, nil},
		{Counts{Descriptors: 9, Goroutines: 4, Threads: 12, Files: []string{"b"}}, nil},
		{Counts{Descriptors: 11, Goroutines: 7, Threads: 13, Files: []string{"a", "c"}},
			[]string{"1 descriptors more", "2 goroutines more", "9 threads more", "file c"}},
	} {
		if got := before.differences(c.after); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.after, got, c.want)
		}
	}
}
