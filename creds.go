package lazy

import "fmt"

// A Peer is who is at the other end of a session, as the kernel told it for
// the moment of the connection.
type Peer struct {
	UID int // effective user id
	GID int // effective group id
	PID int // process id; 0 where it can't be known (another pid namespace, old FreeBSD)
}

func (p Peer) String() string {
	if p.PID == 0 {
		return fmt.Sprintf("uid %d", p.UID)
	}
	return fmt.Sprintf("uid %d (pid %d)", p.UID, p.PID)
}

// admit is the rule on who may open a session that WithCheck can only narrow:
// the process's own effective user or root.
func (p Peer) admit(euid int) error {
	if p.UID != euid && p.UID != 0 {
		return fmt.Errorf("you are %v, and only uid %d and root may; try again as one of them, for example with sudo", p, euid)
	}
	return nil
}
