package main

import (
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestParseTimeout(t *testing.T) {
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

// Each flag that takes a value says what of.
func TestFlagsExplained(t *testing.T) {
	new(options).flags().VisitAll(func(f *pflag.Flag) {
		if takes := f.NoOptDefVal == ""; takes != (len(f.Annotations[argument]) == 1) || f.Usage == "" {
			t.Errorf("-%s %q: %q", f.Shorthand, f.Annotations[argument], f.Usage)
		}
	})
}
