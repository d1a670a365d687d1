//go:build linux || darwin || freebsd

package console

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuUsed returns the CPU time of the process, in user and kernel mode.
func cpuUsed() (time.Duration, bool) {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
