// Package kernelview shows a process as the Linux kernel sees it from outside:
// what its threads do and wait for, what keeps it from the CPU, and what that
// most likely means. The process has no part in it, so it may be stuck in any
// way. Other systems show a process's threads to nobody else, and there the
// package is empty.
package kernelview
