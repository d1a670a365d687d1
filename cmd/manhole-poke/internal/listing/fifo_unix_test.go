//go:build linux || darwin || freebsd

package listing

import (
	"testing"

	"golang.org/x/sys/unix"
)

func fifo(t *testing.T, name string) {
	t.Helper()
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
}
