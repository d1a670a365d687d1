package lazy

import "fmt"

// Peer holds the credentials of the process at the other end of a session, as
// the kernel recorded them at the time of the connection.
type Peer struct {
	UID int // effective user id
	GID int // effective group id
	PID int // process id; 0 if it is not known (another pid namespace, FreeBSD before 13)
}

func (p Peer) String() string {
	if p.PID == 0 {
		return fmt.Sprintf("uid %d", p.UID)
	}
	return fmt.Sprintf("uid %d (pid %d)", p.UID, p.PID)
}
