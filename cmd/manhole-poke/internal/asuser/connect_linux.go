package asuser

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// IDs are the user and group IDs to connect with.
type IDs struct{ UID, GID int }

// ErrSetns is the error if the network namespace may not be entered.
var ErrSetns = errors.New("setns")

// Connect connects to a unix socket from the network namespace netns, unless that
// is -1. Root takes on the IDs for it: SO_PEERCRED holds those of the connecting thread, so
// the rules for the process's own user apply, also in a user namespace, where
// the host's root is nobody.
func Connect(as *IDs, netns int, name string) (int, error) {
	if os.Geteuid() != 0 || as.UID <= 0 {
		return connectFrom(nil, netns, name)
	}
	fd, err := connectFrom(as, netns, name)
	// Root without the capabilities, or a user namespace into which the
	// process's user is not mapped.
	if errors.Is(err, ErrIDs) || errors.Is(err, unix.EACCES) {
		return connectFrom(nil, netns, name)
	}
	return fd, err
}

func connectFrom(as *IDs, netns int, name string) (fd int, err error) {
	call := func() {
		if netns >= 0 {
			if err = unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
				err = fmt.Errorf("%w: %w", ErrSetns, err)
				return
			}
		}
		// Made here because a socket belongs to the network namespace of the
		// thread that makes it.
		if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
			return
		}
		if as != nil {
			err = TakeOn(as.UID, as.GID)
		}
		if err == nil {
			err = unix.Connect(fd, &unix.SockaddrUnix{Name: name})
		}
		if err != nil {
			unix.Close(fd)
		}
	}
	if as == nil && netns < 0 {
		call()
	} else {
		OnThread(call)
	}
	return fd, err
}
