//go:build linux || darwin || freebsd

package stackdump

import "golang.org/x/sys/unix"

// perGoroutine is more than what the runtime prints of a goroutine: at most 100
// frames of some 200 bytes each.
const perGoroutine = 32 << 10

// least is what is taken from Go's heap if nothing else can be had.
const least = 64 << 10

// offHeap returns memory outside of Go's heap: it takes none until it is written
// to, does not bring the next collection nearer, and goes back to the system at
// once. If size is too much it returns less.
func offHeap(size int) (buf []byte, release func()) {
	for ; size > least; size /= 2 {
		if buf, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, offHeapFlags); err == nil {
			return buf, func() { unix.Munmap(buf) }
		}
	}
	return make([]byte, size), func() {}
}
