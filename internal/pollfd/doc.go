// Package pollfd finds out which descriptor a goroutine waits on.
//
// The runtime's traceback has the address of the internal/poll.FD in it, of
// which the descriptor is a field. The value may have been freed since, so it is
// read in a way that cannot fault, and it is believed only if it is an open
// descriptor.
package pollfd
