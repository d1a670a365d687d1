//go:build linux && (386 || arm)

package asuser

import "golang.org/x/sys/unix"

// The calls without a suffix take 16-bit IDs here, setresuid(2).
const (
	sysSetresuid = unix.SYS_SETRESUID32
	sysSetresgid = unix.SYS_SETRESGID32
)
