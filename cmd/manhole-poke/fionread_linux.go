package main

import "golang.org/x/sys/unix"

const fionread = unix.TIOCINQ // its other name, ioctl_tty(2)
