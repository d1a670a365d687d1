// Package access decides whether a peer may open a session: only if it may
// debug the process anyway.
//
// The rule is that of ptrace(2), "Ptrace access mode checking", as far as a
// process can apply it to itself: root comes in; anybody else only if the
// process's real, effective and saved user and group ids are all the peer's,
// if the process is dumpable, has no capabilities, and the peer lives in the
// same user namespace. A process that was root and called setuid, one with
// file capabilities and a set-user-ID program let in root alone.
//
// What it cannot apply are rules of a security module (Yama, SELinux,
// AppArmor), and where a peer has no PID here it cannot look at its user
// namespace.
package access

import (
	"errors"
	"fmt"

	"github.com/go-manhole/lazy/internal/peercred"
)

// ErrUnmapped is the error for a peer that may be anybody.
var ErrUnmapped = errors.New("which in this user namespace stands for every user that is not mapped, the host's root too")

// Check returns why a peer may not come in, or nil. The text completes "lazy:
// refused: ". It is safe for concurrent use and asks the kernel each time,
// because the process may change its ids.
func Check(peer peercred.Cred) error {
	if peer.UID == 0 {
		return nil
	}
	return debuggable(peer)
}

// SameUser is the wider rule: the process's effective user, or root.
func SameUser(peer peercred.Cred, euid int) error {
	if peer.UID == 0 {
		return nil
	}
	if peer.UID != euid {
		return fmt.Errorf("connected as uid %d; only uid %d and root may connect", peer.UID, euid)
	}
	return ambiguous(peer)
}

func denied(peer peercred.Cred, format string, args ...any) error {
	return fmt.Errorf("connected as uid %d; only root may connect, because %s", peer.UID, fmt.Sprintf(format, args...))
}
