//go:build linux || darwin || freebsd

package top

import "testing"

// An answer without an end is not held, and is given up.
func TestBounded(t *testing.T) {
	over := 0
	b := &bounded{left: 10, over: func() { over++ }}
	for range 100 {
		if n, err := b.Write([]byte("four")); n != 4 || err != nil {
			t.Fatal(n, err)
		}
	}
	if over != 1 || b.Len() != 0 {
		t.Errorf("given up %d times, %d bytes are held", over, b.Len())
	}
}
