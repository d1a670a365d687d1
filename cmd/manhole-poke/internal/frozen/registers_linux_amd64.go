package frozen

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// registers returns the thread's registers as a core file has them.
func (t *Thread) registers(pid int) (regs []uint64, tls uint64) {
	// The order in struct ucontext, from r8 on, and in struct user_regs_struct.
	r := func(i int) uint64 { return binary.NativeEndian.Uint64(t.Context[40+8*i:]) }
	regs = []uint64{
		r(7), r(6), r(5), r(4), r(10), r(11), r(3), r(2), r(1), r(0), // r15 to r12, rbp, rbx, r11 to r8
		r(13), r(14), r(12), r(9), r(8), ^uint64(0), // rax, rcx, rdx, rsi, rdi, orig_rax
		r(16), 0x33, r(17), r(15), 0x2b, 0, 0, 0, 0, 0, 0, // rip, cs, eflags, rsp, ss, fs_base and the rest
	}
	// The handler ran on the same thread, with the same thread pointer.
	traceStopped(pid, func() {
		var now unix.PtraceRegs
		if unix.PtraceGetRegs(pid, &now) == nil {
			regs[21] = now.Fs_base
		}
	})
	return regs, 0
}
