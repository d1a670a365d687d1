package format

import (
	"math"
	"slices"
	"testing"
)

func TestSizes(t *testing.T) {
	for n, want := range map[uint64][2]string{
		0:              {"0 bytes", "0 bytes"},
		1023:           {"1023 bytes", "1023 bytes"},
		1536:           {"1.50KB (1536 bytes)", "1.50KB"},
		1 << 40:        {"1.00TB (1099511627776 bytes)", "1.00TB"},
		math.MaxUint64: {"16384.00PB (18446744073709551615 bytes)", "16384.00PB"},
	} {
		if got := [2]string{Size(n), ShortSize(n)}; got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestQuantity(t *testing.T) {
	for _, test := range []struct {
		v          float64
		unit, want string
	}{
		{12, "bytes", "12B"}, {2048, "bytes", "2.00KB"}, {1e-6, "seconds", "1.0µs"},
		{0.25, "seconds", "250.0ms"}, {90, "seconds", "90.00s"}, {123456, "threads", "1.235e+05"},
		{math.Inf(1), "bytes", "+Inf"}, {-1, "bytes", "-1"},
	} {
		if got := Quantity(test.v, test.unit); got != test.want {
			t.Errorf("%v %s: %s, want %s", test.v, test.unit, got, test.want)
		}
	}
}

func TestText(t *testing.T) {
	if got := OneLine("a\r\nb\xffc"); got != "a  b\uFFFDc" {
		t.Errorf("%q", got)
	}
	for s, want := range map[string]string{"plain ü": "plain ü", "a\x1b[31m\nb": `"a\x1b[31m\nb"`, "\xff": `"\xff"`} {
		if got := Printable(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
	for _, test := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"a bc  def\ng", []string{"a bc", "def g"}},
		{"incomprehensible it is", []string{"incomprehensible", "it is"}},
		{"üüü üü", []string{"üüü", "üü"}},
	} {
		if got := Wrap(test.text, 5); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}
