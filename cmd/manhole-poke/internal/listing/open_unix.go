//go:build linux || darwin || freebsd

package listing

import (
	"os"

	"golang.org/x/sys/unix"
)

// open opens a file for reading. A FIFO or a device must not make it wait.
func open(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}
