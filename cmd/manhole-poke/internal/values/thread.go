package values

import (
	"encoding/binary"

	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/pkg/proc/linutil"
)

// A Thread is one whose registers are known: those that a signal handler was
// given.
type Thread struct {
	ID      int    // as the program knows it
	Context []byte // the beginning of a ucontext_t
}

// The order of the registers in the kernel's struct ucontext, as in
// defs_linux_*.go of package runtime.
const (
	amd64At = 40  // r8
	arm64At = 184 // x0
)

// registers returns the registers of a thread that is on the goroutine whose g is
// at that address, or nil.
func (t *Thread) registers(arch string, g uint64) proc.Registers {
	word := func(at, i int) uint64 {
		if at += 8 * i; at+8 <= len(t.Context) {
			return binary.LittleEndian.Uint64(t.Context[at:])
		}
		return 0
	}
	switch arch {
	case "amd64":
		r := func(i int) uint64 { return word(amd64At, i) }
		return known{linutil.NewAMD64Registers(&linutil.AMD64PtraceRegs{
			R8: r(0), R9: r(1), R10: r(2), R11: r(3), R12: r(4), R13: r(5), R14: r(6), R15: r(7),
			Rdi: r(8), Rsi: r(9), Rbp: r(10), Rbx: r(11), Rdx: r(12), Rax: r(13), Rcx: r(14), Rsp: r(15), Rip: r(16), Eflags: r(17),
		}, nil), g}
	case "arm64":
		regs := &linutil.ARM64PtraceRegs{Sp: word(arm64At, 31), Pc: word(arm64At, 32), Pstate: word(arm64At, 33)}
		for i := range regs.Regs {
			regs.Regs[i] = word(arm64At, i)
		}
		return known{linutil.NewARM64Registers(regs, false, 0, nil), g}
	}
	return nil
}

// known are registers with the address of the goroutine that they belong to.
type known struct {
	proc.Registers
	g uint64
}

func (k known) GAddr() (uint64, bool) { return k.g, true }

func (k known) Copy() (proc.Registers, error) { return k, nil }

// place gives the target's thread the registers of t, if t runs a goroutine.
func (p *Program) place(d *dead, t *Thread, arch string) {
	s, err := p.scope(Place{})
	if err != nil {
		return
	}
	address := func(expr string) uint64 {
		v, err := s.EvalExpression(expr, proc.LoadConfig{})
		if err != nil || v.Unreadable != nil {
			return 0
		}
		return v.Addr
	}
	first := address("*runtime.allm")
	id, next, goroutine := address("runtime.allm.procid"), address("runtime.allm.alllink"), address("runtime.allm.curg")
	if first == 0 || id < first || next < first || goroutine < first {
		return
	}
	word := func(at uint64) uint64 {
		var b [8]byte
		if _, err := p.memory.ReadMemory(b[:], at); err != nil {
			return 0
		}
		return binary.LittleEndian.Uint64(b[:])
	}
	for m := first; m != 0 && p.enough() == nil; m = word(m + next - first) {
		if word(m+id-first) == uint64(t.ID) {
			if g := word(m + goroutine - first); g != 0 {
				d.thread.regs = t.registers(arch, g)
			}
			return
		}
	}
}
