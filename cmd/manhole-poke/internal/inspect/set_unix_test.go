//go:build linux || darwin || freebsd

package inspect

import "testing"

func TestCanonical(t *testing.T) {
	for _, c := range []struct{ typ, text, want string }{
		{"bool", "true", "true"}, {"bool", "1", ""}, {"int8", "127", "127"}, {"int8", "128", ""}, {"int8", "-0x80", "-128"}, {"int", "1_000", "1000"},
		{"uint16", "65535", "65535"}, {"uint16", "-1", ""}, {"uintptr", "0x10", "16"}, {"float32", "0.1", "0.1"}, {"float32", "1e39", ""}, {"float64", "-Inf", "-Inf"},
		{"time.Duration", "1m", "60000000000"}, {"time.Duration", "60", ""}, {"string", "x", ""}, {"int", "", ""},
	} {
		if got, err := canonical(c.typ, c.text); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %q: %q, %v", c.typ, c.text, got, err)
		}
	}
}
