// Package peercred asks the kernel who is at the other end of a connected unix
// socket: the client for the library, the listener for manhole-poke.
package peercred

// Cred holds the credentials of a process at the time of connect(2), or of
// listen(2) if that process is the listener.
type Cred struct {
	UID int // effective
	GID int // effective
	PID int // 0 if the process has no PID here (another pid namespace), or the kernel does not say (FreeBSD before 13)
}
