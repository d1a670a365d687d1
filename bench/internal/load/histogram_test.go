package load

import (
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	next := 0
	for v := uint64(0); v < 1<<20; v++ {
		b := bucket(v)
		if b != next && b != next-1 {
			t.Fatalf("%d is in bucket %d; want %d or %d", v, b, next-1, next)
		}
		next = b + 1
		if u := upper(b); uint64(u) < v || float64(uint64(u)-v) > float64(v)/subBuckets {
			t.Fatalf("%d is in a bucket that ends at %d", v, u)
		}
	}
}

func TestQuantile(t *testing.T) {
	var h, other Histogram
	if h.Quantile(0.5) != 0 {
		t.Error("an empty one has a median")
	}
	for i := 1; i <= 1000; i++ {
		if i%2 == 0 {
			h.Record(time.Duration(i) * time.Microsecond)
		} else {
			other.Record(time.Duration(i) * time.Microsecond)
		}
	}
	h.Add(&other)
	for q, want := range map[float64]time.Duration{0.5: 500, 0.99: 990, 0.999: 999, 1: 1000} {
		want *= time.Microsecond
		if got := h.Quantile(q); got < want || got > want+want/subBuckets {
			t.Errorf("Quantile(%v) = %v, want about %v", q, got, want)
		}
	}
	if h.Max() != 1000*time.Microsecond {
		t.Error(h.Max())
	}
}
