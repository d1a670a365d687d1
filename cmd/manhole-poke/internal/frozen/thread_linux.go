package frozen

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// onThread calls f on a thread that ends soon afterwards, and what it traces with
// it. That is never the main thread: the runtime lets that sleep forever instead.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			onThread(f) // while this one has the main thread
			return
		}
		f()
	}()
	<-done
}
