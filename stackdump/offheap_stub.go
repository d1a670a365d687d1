//go:build !(linux || darwin || freebsd)

package stackdump

// perGoroutine is what the runtime prints of most goroutines: 15 frames or so.
const perGoroutine = 2 << 10

// offHeap returns memory of Go's heap.
func offHeap(size int) (buf []byte, release func()) {
	return make([]byte, size), func() {}
}
