//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package stackdump

import "golang.org/x/sys/unix"

// perGoroutine is more than what the runtime prints of a goroutine: at most 100
// frames of some 200 bytes each.
const perGoroutine = 32 << 10

// scratch returns memory that lies outside of Go's heap: it takes no room until
// it is written to, moves no garbage collection nearer, and goes back to the
// system at once. If so much cannot be had it returns less.
func scratch(size int) (buf []byte, release func()) {
	for ; size > 1<<20; size /= 2 {
		if buf, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, scratchFlags); err == nil {
			return buf, func() { unix.Munmap(buf) }
		}
	}
	return make([]byte, size), func() {}
}
