//go:build linux || darwin || freebsd

// Package pollconn is the connection of a session: it waits by timers, not
// parked in the runtime's network poller, so that it is prompt in a process
// whose goroutines leave no CPU free. While no goroutine waits for a processor,
// it waits in poll(2).
//
// How a saturated scheduler treats a goroutine that waits (runtime/proc.go)
// decides how a session waits:
//
//   - Nothing is parked in the network poller. There only sysmon asks the
//     poller, and puts the goroutine that is ready at the end of the global
//     queue, where it gets its turn after seconds, even with a deadline of 10
//     milliseconds. A goroutine whose timer is due runs next.
//   - One goroutine of a session, the doorkeeper, waits for a timer and wakes the
//     other one, which uses the connection. Of two timers that are due at once
//     the second would displace the first goroutine from its place as next and
//     send it to the end of a queue. So the doorkeeper's timer is not due again
//     before the other has run, which may take a while: one time in 61 the
//     scheduler prefers the global queue to the goroutine that is next.
//   - Where the doorkeeper has lost its place all the same, to a timer of the
//     program or to the runtime's sweeper, the other goroutine looks by itself.
//   - While the process is calm, the doorkeeper waits in poll(2) for the peer's
//     next line, which costs next to nothing. Should the process become
//     saturated just then, the doorkeeper gets no processor after that for
//     seconds. The other goroutine has a timer, though, looks by itself, and
//     goes on doing so until the doorkeeper is back.
//   - Both are locked to a thread, unless the kernel has none to give (package
//     threads). A goroutine that is made ready otherwise inherits what is left
//     of the time slice of the one before, which is often nothing.
package pollconn
