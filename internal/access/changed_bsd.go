//go:build darwin || freebsd

package access

import "golang.org/x/sys/unix"

// changedIDs is issetugid(2).
func changedIDs() bool { return unix.Issetugid() }
