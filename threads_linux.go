//go:build linux && (amd64 || arm64)

package lazy

// A goroutine that is locked to a thread has the runtime start another thread
// for the others whenever it waits and none is idle; and where the kernel
// refuses one (RLIMIT_NPROC, pids.max of a cgroup) the runtime ends the process
// (newosproc in runtime/os_linux.go).

// sessionThreads is how many may be started because of a session: one for each
// of its two goroutines, and one that finds nothing to do before it sleeps.
const sessionThreads = 3

// roomForThreads reports whether that many can be started. Nothing tells,
// neither for a user nor for a cgroup, but trying does.
func roomForThreads() bool { return tryThreads(sessionThreads) == 0 }

// tryThreads has the kernel start so many threads that are there at once, wait
// for the last and end. It does not wait for them, and returns the error number
// of the one that could not be started, or 0.
//
//go:noescape
func tryThreads(n uint64) (errno uint64)

// triedThreads is the word that they wait for to change.
//
//lint:ignore U1000 The assembly has the address.
var triedThreads uint32
