package pollconn

import "golang.org/x/sys/unix"

// vanished: the kernel reports POLLHUP for a peer that has closed its end, and
// POLLRDHUP for one that has ended its input (unix_poll in net/unix/af_unix.c).
func vanished(fd int) bool {
	p := unix.PollFd{Fd: int32(fd)}
	n, err := poll(&p)
	return err == nil && n == 1 && p.Revents&(unix.POLLHUP|unix.POLLERR) != 0
}
