//go:build unix

package main

// ringable says whether this user may signal the process.
func ringable(pid int) bool {
	p := process{pid: pid, handle: -1}
	return p.signal(0) == nil
}
