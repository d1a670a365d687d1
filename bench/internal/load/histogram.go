package load

import (
	"math/bits"
	"time"
)

// A Histogram counts durations in buckets whose width is at most 1/128 of
// their value, which is the precision of what it reports. The zero value is
// empty.
type Histogram struct {
	buckets []int64
	count   int64
	max     time.Duration
}

// subBuckets is how many buckets there are between a power of two and the next.
const subBuckets = 128

// Record adds one duration.
func (h *Histogram) Record(d time.Duration) {
	b := bucket(uint64(max(d, 0)))
	h.grow(b + 1)
	h.buckets[b]++
	h.count++
	h.max = max(h.max, d)
}

// Add adds all that other holds.
func (h *Histogram) Add(other *Histogram) {
	h.grow(len(other.buckets))
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
	h.count += other.count
	h.max = max(h.max, other.max)
}

// Quantile returns the duration that the share q of all does not exceed, 0 if
// the histogram is empty.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := int64(q*float64(h.count) + 0.5)
	var seen int64
	for i, n := range h.buckets {
		if seen += n; seen >= rank && n > 0 {
			return min(upper(i), h.max)
		}
	}
	return h.max
}

// Max returns the longest duration.
func (h *Histogram) Max() time.Duration { return h.max }

func (h *Histogram) grow(n int) {
	if missing := n - len(h.buckets); missing > 0 {
		h.buckets = append(h.buckets, make([]int64, missing)...)
	}
}

func bucket(v uint64) int {
	if v < 2*subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - bits.Len64(2*subBuckets-1)
	return shift*subBuckets + int(v>>shift)
}

// upper is the largest duration in a bucket.
func upper(b int) time.Duration {
	if b < 2*subBuckets {
		return time.Duration(b)
	}
	shift := b/subBuckets - 1
	return time.Duration(b-shift*subBuckets+1)<<shift - 1
}
