package lazytest

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// OpenTerminal makes a terminal, pty(7): what is written to keys is typed, and
// what the terminal shows is read from keys. tty is the program's side. Both
// are closed with the test.
func OpenTerminal(t testing.TB) (keys, tty *os.File) {
	t.Helper()
	// Without O_NONBLOCK a Read would go on after Close.
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { keys.Close() })
	c, err := keys.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	c.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { tty.Close() })
	return keys, tty
}
