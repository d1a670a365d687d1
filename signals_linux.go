package lazy

import "golang.org/x/sys/unix"

var idleSignals = []unix.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGIO, unix.SIGPWR}

// realTime leaves out 32 to 34, which the C libraries and the Go runtime use
// themselves (runtime/sigtab_linux_generic.go).
func realTime(s unix.Signal) bool { return 35 <= s && s <= 64 }
