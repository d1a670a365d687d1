// Package kernelview shows a process as the Linux kernel sees it: what its
// threads do and wait for, what keeps it from the CPU, and what that most likely
// means. It needs no help from the process, which may be stuck in any way. Other
// systems do not show the threads of other processes; there the package is
// empty.
package kernelview
