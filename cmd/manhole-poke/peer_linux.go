package main

import "golang.org/x/sys/unix"

// peerOf asks the kernel who listens at the other end of a connection: whoever
// called listen, unix(7).
func peerOf(fd int) (peer, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return peer{}, err
	}
	return peer{pid: int(c.Pid), uid: int(c.Uid)}, nil
}
