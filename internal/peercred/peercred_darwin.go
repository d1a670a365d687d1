package peercred

import "golang.org/x/sys/unix"

// Of returns the credentials for the connected socket fd (LOCAL_PEERCRED and
// LOCAL_PEERPID, sys/un.h).
func Of(fd int) (Cred, error) {
	c, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return Cred{}, err
	}
	cred := Cred{UID: int(c.Uid), GID: int(c.Groups[0])}
	if pid, err := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID); err == nil {
		cred.PID = pid
	}
	return cred, nil
}
