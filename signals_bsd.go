//go:build darwin || freebsd

package lazy

import "golang.org/x/sys/unix"

var idleSignals = []unix.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGIO, unix.SIGINFO}

func realTime(unix.Signal) bool { return false }
