// Package corefile writes ELF core files, core(5), of processes that stand still.
//
// It is told what of each mapping to write by /proc/PID/pagemap: pages that were
// never written are left out, and so are those that the file behind a mapping
// still has, and what the program keeps out of core files (MADV_DONTDUMP). Zeros that a debugger must be able to read point, wherever they are,
// to the same block of the file. So the size of the file is that of what the
// process really has, and it is written front to back.
package corefile

// A Process is one to write a core file of.
type Process struct {
	PID  int
	Regs []uint64 // of its thread, as in struct user_regs_struct or user_pt_regs
	TLS  uint64   // the thread pointer, where it is not in Regs
}
