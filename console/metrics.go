package console

import (
	"context"
	"fmt"
	"io"
	"math"
	"regexp"
	"runtime/metrics"
	"strconv"
	"strings"
)

// metric lists package runtime/metrics: one line each, histograms as
// percentiles.
func metric(_ context.Context, s *session, args []string) error {
	words, err := parse(args)
	if err != nil {
		return err
	}
	match, err := optionalPattern(words)
	if err != nil {
		return err
	}
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		if match.MatchString(d.Name) {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	if len(samples) == 0 {
		return fmt.Errorf("no metric matches %s", show(words[0]))
	}
	metrics.Read(samples)
	for _, m := range samples {
		fmt.Fprintf(s.out, "%s ", m.Name)
		writeValue(s.out, m)
	}
	return nil
}

// optionalPattern is the one word that a command may be given to choose lines.
func optionalPattern(words []string) (*regexp.Regexp, error) {
	switch len(words) {
	case 0:
		return regexp.MustCompile(""), nil
	case 1:
		match, err := regexp.Compile(words[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", show(words[0]), err)
		}
		return match, nil
	}
	return nil, fmt.Errorf("%s is one word too many; put a pattern with blanks in quotes", show(words[1]))
}

func writeValue(w io.Writer, m metrics.Sample) {
	_, unit, _ := strings.Cut(m.Name, ":")
	switch m.Value.Kind() {
	case metrics.KindUint64:
		n := m.Value.Uint64()
		switch {
		case unit == "bytes" && n == math.MaxInt64:
			fmt.Fprintln(w, "off") // the memory limit
		case unit == "bytes":
			fmt.Fprintln(w, size(n))
		default:
			fmt.Fprintln(w, n)
		}
	case metrics.KindFloat64:
		fmt.Fprintln(w, quantity(m.Value.Float64(), unit))
	case metrics.KindFloat64Histogram:
		h := m.Value.Float64Histogram()
		var n uint64
		for _, c := range h.Counts {
			n += c
		}
		if n == 0 {
			fmt.Fprintln(w, "n=0")
			return
		}
		fmt.Fprintf(w, "n=%d p50=%s p90=%s p99=%s max=%s\n", n,
			quantity(percentile(h, n, 0.50), unit), quantity(percentile(h, n, 0.90), unit),
			quantity(percentile(h, n, 0.99), unit), quantity(percentile(h, n, 1), unit))
	default:
		fmt.Fprintln(w, "-")
	}
}

// percentile returns the upper bound of the bucket that the part p of the n
// samples of h reaches, or its lower one where the upper is infinite.
func percentile(h *metrics.Float64Histogram, n uint64, p float64) float64 {
	reached, want := uint64(0), max(1, uint64(math.Ceil(p*float64(n))))
	for i, c := range h.Counts {
		if reached += c; reached >= want {
			if math.IsInf(h.Buckets[i+1], 1) {
				return h.Buckets[i]
			}
			return h.Buckets[i+1]
		}
	}
	return math.NaN()
}

func quantity(v float64, unit string) string {
	switch {
	case unit == "bytes" && v >= 0 && v < math.MaxInt64:
		return strings.ReplaceAll(short(uint64(v)), " bytes", "B")
	case unit == "seconds" && v < 1e-3:
		return strconv.FormatFloat(v*1e6, 'f', 1, 64) + "µs"
	case unit == "seconds" && v < 1:
		return strconv.FormatFloat(v*1e3, 'f', 1, 64) + "ms"
	case unit == "seconds":
		return strconv.FormatFloat(v, 'f', 2, 64) + "s"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
