package lazy

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-manhole/lazy/internal/access"
	"github.com/go-manhole/lazy/internal/peercred"
)

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

// admitted returns why the peer may not open a session, or nil: the rule that
// WithCheck can only narrow. It is that of the kernel for debuggers, see package
// access; with sameUID the process's effective uid is enough.
func (p Peer) admitted(sameUID bool) error {
	err := access.Check(peercred.Cred(p))
	if sameUID {
		err = access.SameUser(peercred.Cred(p), os.Geteuid())
	}
	if err != nil {
		if errors.Is(err, access.ErrUnmapped) {
			return fmt.Errorf("%w; try manhole-poke as root, which connects as the process's user", err)
		}
		return fmt.Errorf("%w; try as root, for example with sudo", err)
	}
	return nil
}
