//go:build amd64 || arm64

package tee

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMessages is about what a batch would change the meaning of.
func TestMessages(t *testing.T) {
	open := func(path string) int {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	pipe := func(flags int) int {
		r, w, err := pipe(flags)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeAll(r, w) })
		return w
	}
	sockets, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(sockets[:]...) })
	for _, c := range []struct {
		name string
		fd   int
		want bool
	}{
		{"pipe", pipe(0), false}, {"pipe of packets", pipe(unix.O_DIRECT), true},
		{"terminal", open("/dev/ptmx"), false}, {"device", open(os.DevNull), true}, {"socket", sockets[0], false},
	} {
		if got := inMessages(c.fd); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
