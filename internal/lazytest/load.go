package lazytest

import "sync/atomic"

var spun atomic.Int64

// Spin starts n goroutines that use all the CPU they get.
func Spin(n int) {
	for range n {
		go func() {
			for x := int64(1); ; x++ {
				spun.Store(x & spun.Load())
			}
		}()
	}
}
