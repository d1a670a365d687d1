package console

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime/metrics"
	"strings"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/console/internal/format"
	"github.com/go-manhole/lazy/internal/words"
)

// metric lists package runtime/metrics: one line each, histograms as
// percentiles.
func metric(_ context.Context, s *session, a *args.Parsed) error {
	match, err := a.WordPattern()
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
		return fmt.Errorf("no metric matches %s", words.Show(a.Words[0]))
	}
	metrics.Read(samples)
	json := a.Flag("json")
	for _, m := range samples {
		if json {
			writeValueJSON(s.out, m)
			continue
		}
		fmt.Fprintf(s.out, "%s ", m.Name)
		writeValue(s.out, m)
	}
	return nil
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
			fmt.Fprintln(w, format.Size(n))
		default:
			fmt.Fprintln(w, n)
		}
	case metrics.KindFloat64:
		fmt.Fprintln(w, format.Quantity(m.Value.Float64(), unit))
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
			format.Quantity(percentile(h, n, 0.50), unit), format.Quantity(percentile(h, n, 0.90), unit),
			format.Quantity(percentile(h, n, 0.99), unit), format.Quantity(percentile(h, n, 1), unit))
	default:
		fmt.Fprintln(w, "-")
	}
}

// writeValueJSON writes a metric as a line of JSON. Of a histogram it has the
// buckets that are not empty, each with its upper bound, or the lower one if the
// upper is infinite.
func writeValueJSON(w io.Writer, m metrics.Sample) {
	fmt.Fprintf(w, `{"name":%q`, m.Name) // which has nothing that JSON quotes in another way
	switch m.Value.Kind() {
	case metrics.KindUint64:
		fmt.Fprintf(w, `,"value":%d`, m.Value.Uint64())
	case metrics.KindFloat64:
		if v := m.Value.Float64(); !math.IsNaN(v) && !math.IsInf(v, 0) {
			fmt.Fprintf(w, `,"value":%g`, v)
		}
	case metrics.KindFloat64Histogram:
		h := m.Value.Float64Histogram()
		next := `,"buckets":[`
		for i, n := range h.Counts {
			if n == 0 {
				continue
			}
			bound := h.Buckets[i+1]
			if math.IsInf(bound, 1) {
				bound = h.Buckets[i]
			}
			if math.IsInf(bound, 0) {
				continue // all there is, is one bucket
			}
			fmt.Fprintf(w, `%s[%g,%d]`, next, bound, n)
			next = ","
		}
		if next != "," {
			io.WriteString(w, next)
		}
		io.WriteString(w, "]")
	}
	io.WriteString(w, "}\n")
}

// percentile returns the upper bound of the bucket in which the fraction p of the n
// samples of h is reached, or the lower bound if the upper is infinite.
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
