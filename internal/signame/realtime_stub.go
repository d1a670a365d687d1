//go:build unix && !linux

package signame

import "syscall"

const realTimeExample = ""

// realTime: the Go runtime passes on no real-time signals here.
func realTime(string) (syscall.Signal, bool) { return 0, false }
