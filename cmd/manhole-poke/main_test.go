package main

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestStatusesDistinct(t *testing.T) {
	seen := map[status]bool{}
	for _, s := range statuses {
		if seen[s.status] {
			t.Errorf("%d has two meanings", s.status)
		}
		seen[s.status] = true
	}
}

func TestStatusOf(t *testing.T) {
	if s := statusOf(fmt.Errorf("x: %w", failf(statusBusy, "y"))); s != statusBusy {
		t.Error(s)
	}
	if s := statusOf(errors.New("x")); s != statusHere {
		t.Error(s)
	}
}

func TestParseTimeout(t *testing.T) {
	for s, want := range map[string]time.Duration{"3": 3 * time.Second, "500ms": 500 * time.Millisecond, "1m": time.Minute} {
		if d, err := parseTimeout(s); d != want || err != nil {
			t.Errorf("%s: %v, %v", s, d, err)
		}
	}
	for _, s := range []string{"", "0", "0s", "-1", "-1s", "soon", "99999999999999999999"} {
		if d, err := parseTimeout(s); err == nil {
			t.Errorf("%q: %v, want an error", s, d)
		}
	}
}
