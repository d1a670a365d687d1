//go:build unix

package console

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuUsed is the CPU time of the process, its own and the kernel's for it.
func cpuUsed() (time.Duration, bool) {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
