//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package stackdump

// scratch returns memory of Go's heap, so less than was asked for: takeText tries
// again with more if it is not enough.
func scratch(size int) (buf []byte, release func()) {
	if size > 64<<20 {
		return make([]byte, size), func() {}
	}
	return make([]byte, max(size/16, 64<<10)), func() {}
}
