//go:build !linux

package access

import (
	"fmt"
	"os"

	"github.com/go-manhole/lazy/internal/peercred"
)

// debuggable applies what can be asked here: the kernels of macOS and FreeBSD
// keep a process that changed its ids since execve(2) from being debugged
// (issetugid(2)).
func debuggable(peer peercred.Cred) error {
	switch {
	case os.Geteuid() != peer.UID && os.Getuid() == os.Geteuid():
		return fmt.Errorf("connected as uid %d; only uid %d and root may connect", peer.UID, os.Geteuid())
	case os.Getuid() != peer.UID || os.Geteuid() != peer.UID:
		return denied(peer, "this process has uid %d, effective %d", os.Getuid(), os.Geteuid())
	case os.Getgid() != os.Getegid():
		return denied(peer, "this process has gid %d, effective %d", os.Getgid(), os.Getegid())
	case changedIDs():
		return denied(peer, "this process changed its user or group")
	}
	return nil
}

// Privileged reports whether this process has rights that the caller of
// execve(2) had not, so that its environment cannot be trusted.
func Privileged() bool { return changedIDs() }

func ambiguous(peercred.Cred) error { return nil }
