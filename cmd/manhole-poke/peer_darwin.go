package main

import "golang.org/x/sys/unix"

// peerOf asks the kernel who listens at the other end of a connection, see
// unix(4) and <sys/un.h>.
func peerOf(fd int) (peer, error) {
	pid, err := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID)
	if err != nil {
		return peer{}, err
	}
	c, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return peer{}, err
	}
	return peer{pid: pid, uid: int(c.Uid)}, nil
}
