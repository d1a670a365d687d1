package sighandler

import "syscall"

var passedOver = []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGIO, syscall.SIGPWR}

// realTime leaves out 32 to 34, which the C libraries and the Go runtime use
// themselves (runtime/sigtab_linux_generic.go).
func realTime(s syscall.Signal) bool { return 35 <= s && s <= 64 }
