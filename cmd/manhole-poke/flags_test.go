package main

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{"3": 3 * time.Second, "500ms": 500 * time.Millisecond, "1m": time.Minute} {
		if d, err := parseDuration(s); d != want || err != nil {
			t.Errorf("%s: %v, %v", s, d, err)
		}
	}
	for _, s := range []string{"", "0", "0s", "-1", "-1s", "soon", "99999999999999999999"} {
		if d, err := parseDuration(s); err == nil {
			t.Errorf("%q: %v, want an error", s, d)
		}
	}
}
