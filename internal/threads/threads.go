// Package threads answers whether the kernel would let this process start more
// threads.
//
// Nothing reports that: limits are per user (RLIMIT_NPROC) and per cgroup
// (pids.max). It matters because a goroutine that is locked to its thread makes
// the Go runtime start another thread for the other goroutines whenever it waits
// and none is idle, and where the kernel refuses one the runtime ends the
// process (newosproc in runtime/os_linux.go).
package threads
