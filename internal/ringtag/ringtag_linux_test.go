package ringtag

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestSiginfo(t *testing.T) {
	if got, want := unsafe.Sizeof(siginfo{}), unsafe.Sizeof(unix.Siginfo{}); got != want {
		t.Errorf("%d bytes, the kernel's has %d", got, want)
	}
	if off := unsafe.Offsetof(siginfo{}.value); off != 24 {
		t.Errorf("the value is at %d", off)
	}
}

// TestSend sends signal 0, which asks only whether it could be sent.
func TestSend(t *testing.T) {
	pid := unix.Getpid()
	if err := Send(-1, pid, 0); err != nil {
		t.Error(err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close(fd)
	if err := Send(fd, pid, 0); err != nil {
		t.Error(err)
	}
	if err := Send(-1, 1<<30, 0); err != unix.ESRCH {
		t.Error(err)
	}
}
