//go:build linux && (386 || arm)

package main

import "golang.org/x/sys/unix"

// The calls without a number take ids of 16 bits here, setresuid(2).
const (
	sysSetresuid = unix.SYS_SETRESUID32
	sysSetresgid = unix.SYS_SETRESGID32
)
