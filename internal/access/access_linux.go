package access

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/go-manhole/lazy/internal/peercred"
	"golang.org/x/sys/unix"
)

// debuggable is __ptrace_may_access in kernel/ptrace.c and
// cap_ptrace_access_check in security/commoncap.c.
func debuggable(peer peercred.Cred) error {
	if err := ambiguous(peer); err != nil {
		return err
	}
	uid, euid, suid := unix.Getresuid()
	gid, egid, sgid := unix.Getresgid()
	switch {
	case euid != peer.UID && uid == euid && suid == euid:
		return fmt.Errorf("connected as uid %d; only uid %d and root may connect", peer.UID, euid)
	case uid != peer.UID || euid != peer.UID || suid != peer.UID:
		return denied(peer, "this process has uid %d, effective %d, saved %d", uid, euid, suid)
	case gid != peer.GID || egid != peer.GID || sgid != peer.GID:
		return denied(peer, "this process has gid %d, effective %d, saved %d, and the peer %d", gid, egid, sgid, peer.GID)
	}
	if !Dumpable() {
		return denied(peer, "this process is not dumpable: it changed its user, has file capabilities, or called prctl(PR_SET_DUMPABLE)")
	}
	if permitted, err := capabilities(); err != nil || permitted != 0 {
		return denied(peer, "this process has capabilities (%#x)", permitted)
	}
	return sameNamespace(peer)
}

// Dumpable reports whether the kernel lets others of the same user debug this
// process (PR_GET_DUMPABLE).
func Dumpable() bool {
	value, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return err == nil && value == 1
}

// Privileged reports whether this process has rights that the caller of
// execve(2) had not, so that its environment cannot be trusted (AT_SECURE in
// getauxval(3)), or has given up some since.
func Privileged() bool {
	const atSecure = 23
	values, err := unix.Auxv()
	for _, v := range values {
		if v[0] == atSecure {
			return v[1] != 0 || !Dumpable()
		}
	}
	return err != nil || !Dumpable()
}

// capabilities returns the permitted set.
func capabilities() (permitted uint64, err error) {
	var sets [2]unix.CapUserData
	err = unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &sets[0])
	return uint64(sets[1].Permitted)<<32 | uint64(sets[0].Permitted), err
}

// ambiguous: in a user namespace the overflow uid stands for every user that
// is not mapped there, user_namespaces(7).
func ambiguous(peer peercred.Cred) error {
	overflow := readInt("/proc/sys/kernel/overflowuid", 65534)
	if peer.UID != overflow {
		return nil
	}
	mapped, err := os.ReadFile("/proc/self/uid_map")
	if fields := strings.Fields(string(mapped)); err == nil && len(fields) == 3 && fields[2] == "4294967295" {
		return nil // all are
	}
	return fmt.Errorf("connected as uid %d, %w", overflow, ErrUnmapped)
}

func readInt(name string, otherwise int) int {
	text, err := os.ReadFile(name)
	if err != nil {
		return otherwise
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return otherwise
	}
	return n
}

// sameNamespace refuses a peer that has the same user id in a user namespace
// below ours: there it may be root of a container that is kept from its host. A
// peer from outside our namespace is let in, since who has our user id out there
// is root of the host, the owner of our namespace, or does not exist; which of
// them cannot be seen from here.
func sameNamespace(peer peercred.Cred) error {
	var ours, theirs unix.Stat_t
	if peer.PID <= 0 || unix.Stat("/proc/self/ns/user", &ours) != nil {
		return nil // no PID here, or no /proc
	}
	ns, err := unix.Open(fmt.Sprintf("/proc/%d/ns/user", peer.PID), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ESRCH):
		return nil // it has gone, or this /proc does not show it
	case err != nil && otherRealUser(peer):
		return nil
	case err != nil:
		return denied(peer, "the peer's user namespace cannot be read (%v)", err)
	}
	defer func() { unix.Close(ns) }()
	for level := 0; ; level++ {
		if err := unix.Fstat(ns, &theirs); err != nil {
			return denied(peer, "the peer's user namespace cannot be read (%v)", err)
		}
		switch {
		case theirs.Dev == ours.Dev && theirs.Ino == ours.Ino && level == 0:
			return nil
		case theirs.Dev == ours.Dev && theirs.Ino == ours.Ino:
			return denied(peer, "the peer is in a user namespace below that of this process")
		}
		parent, err := unix.IoctlRetInt(ns, unix.NS_GET_PARENT)
		if err != nil {
			return nil // EPERM: beyond our namespace, ioctl_ns(2)
		}
		unix.Close(ns)
		ns = parent
	}
}

// otherRealUser reports whether the peer's process has another real uid than the
// thread had that connected: manhole-poke run by root connects as the process's
// user, who cannot look into it. From inside a user namespace root of the host has
// the overflow uid.
func otherRealUser(peer peercred.Cred) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", peer.PID))
	return err == nil && !strings.Contains(string(status), fmt.Sprintf("\nUid:\t%d\t", peer.UID))
}
