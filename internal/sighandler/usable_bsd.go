//go:build darwin || freebsd

package sighandler

import "syscall"

var passedOver = []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGIO, syscall.SIGINFO}

func realTime(syscall.Signal) bool { return false }
