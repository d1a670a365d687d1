package peercred

import "golang.org/x/sys/unix"

// Of returns the credentials for the connected socket fd (SO_PEERCRED,
// unix(7)).
func Of(fd int) (Cred, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Cred{}, err
	}
	return Cred{UID: int(c.Uid), GID: int(c.Gid), PID: int(c.Pid)}, nil
}
