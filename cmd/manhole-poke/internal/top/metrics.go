package top

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
)

// The names of runtime/metrics that the view shows.
const (
	heapBytes = "/memory/classes/heap/objects:bytes"
	heapGoal  = "/gc/heap/goal:bytes"
	allocated = "/gc/heap/allocs:bytes"
	cycles    = "/gc/cycles/total:gc-cycles"
	latencies = "/sched/latencies:seconds"
	gcPauses  = "/sched/pauses/total/gc:seconds"
)

// metricsLine asks for them.
var metricsLine = "metrics -json '^(" + strings.Join([]string{heapBytes, heapGoal, allocated, cycles, latencies, gcPauses}, "|") + ")$'"

// Metrics are values of runtime/metrics by name.
type Metrics struct {
	Values     map[string]float64
	Histograms map[string][]Bucket
}

// A Bucket counts samples up to a bound.
type Bucket struct{ Bound, Count float64 }

const maxMetrics = 1000 // lines, and buckets of a histogram

var errMetrics = errors.New("not metrics as the console writes them")

// ReadMetrics reads the answer to metrics -json. It is not trusted: what is more
// than there can be, or no number, is an error.
func ReadMetrics(r io.Reader) (Metrics, error) {
	m := Metrics{map[string]float64{}, map[string][]Bucket{}}
	dec := json.NewDecoder(r)
	for range maxMetrics {
		var line struct {
			Name    string       `json:"name"`
			Value   *float64     `json:"value"`
			Buckets [][2]float64 `json:"buckets"`
		}
		switch err := dec.Decode(&line); {
		case err == io.EOF:
			return m, nil
		case err != nil, len(line.Buckets) > maxMetrics:
			return m, errMetrics
		}
		if line.Value != nil {
			m.Values[line.Name] = *line.Value
			continue
		}
		buckets := make([]Bucket, 0, len(line.Buckets))
		for i, b := range line.Buckets {
			if b[1] < 0 || i > 0 && b[0] < line.Buckets[i-1][0] {
				return m, errMetrics
			}
			if n := len(buckets); n > 0 && b[0] == buckets[n-1].Bound {
				buckets[n-1].Count += b[1]
				continue
			}
			buckets = append(buckets, Bucket{b[0], b[1]})
		}
		m.Histograms[line.Name] = buckets
	}
	return m, errMetrics
}

// value returns a value, or NaN if it is not known.
func (m Metrics) value(name string) float64 {
	if v, ok := m.Values[name]; ok {
		return v
	}
	return math.NaN()
}

// since returns how much a counter grew, or NaN if that is not known.
func (m Metrics) since(before Metrics, name string) float64 {
	return m.value(name) - before.value(name)
}

// percentile returns the bound within which the fraction p of the samples since
// before is, 0 if there were none, or NaN if that is not known.
func (m Metrics) percentile(before Metrics, name string, p float64) float64 {
	now, ok := m.Histograms[name]
	then, known := before.Histograms[name]
	if !ok || !known {
		return math.NaN()
	}
	old := map[float64]float64{}
	for _, b := range then {
		old[b.Bound] = b.Count
	}
	var total float64
	for _, b := range now {
		total += max(0, b.Count-old[b.Bound])
	}
	var reached float64
	for _, b := range now {
		if reached += max(0, b.Count-old[b.Bound]); reached > 0 && reached >= p*total {
			return b.Bound
		}
	}
	return 0
}
