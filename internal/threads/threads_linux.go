//go:build amd64 || arm64

package threads

// CanStart reports whether n more threads can be started now. It starts them:
// they exist at the same time, wait for the last, and end. CanStart does not
// wait for that. It is not safe for concurrent use.
func CanStart(n int) bool { return tryThreads(uint64(n)) == 0 }

// tryThreads returns the error number of the thread that could not be started,
// or 0.
//
//go:noescape
func tryThreads(n uint64) (errno uint64)

// triedThreads is the word whose change the threads wait for.
//
//lint:ignore U1000 The assembly has the address.
var triedThreads uint32
