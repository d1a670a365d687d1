package gostack

import "golang.org/x/sys/unix"

func registers(tid int) (place, error) {
	var r unix.PtraceRegsArm64
	err := unix.PtraceGetRegSetArm64(tid, 1, &r) // NT_PRSTATUS
	return place{pc: r.Pc, sp: r.Sp, lr: r.Regs[30]}, err
}
