package frozen

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnThread(t *testing.T) {
	for range 200 {
		onThread(func() {
			if unix.Gettid() == os.Getpid() {
				t.Error("on the main thread, which does not end")
			}
		})
	}
}
