//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package stackdump

// perGoroutine is what the runtime prints of most goroutines: 15 frames or so.
const perGoroutine = 2 << 10

// scratch returns memory of Go's heap.
func scratch(size int) (buf []byte, release func()) {
	return make([]byte, size), func() {}
}
