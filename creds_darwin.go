package lazy

import "golang.org/x/sys/unix"

// peerOf asks for the credentials that the peer had when it called connect
// (LOCAL_PEERCRED and LOCAL_PEERPID in sys/un.h).
func peerOf(fd int) (Peer, error) {
	c, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return Peer{}, err
	}
	p := Peer{UID: int(c.Uid), GID: int(c.Groups[0])}
	if pid, err := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID); err == nil {
		p.PID = pid
	}
	return p, nil
}
