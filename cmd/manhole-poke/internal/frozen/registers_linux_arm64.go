package frozen

import "encoding/binary"

// registers returns the thread's registers as a core file has them: x0 to x30, sp,
// pc and pstate, which is the order in struct sigcontext as well. The goroutine
// is in x28.
func (t *Thread) registers(int) (regs []uint64, tls uint64) {
	for i := range 34 {
		regs = append(regs, binary.NativeEndian.Uint64(t.Context[184+8*i:]))
	}
	return regs, 0
}
