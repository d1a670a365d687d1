package gostack

import "golang.org/x/sys/unix"

func registers(tid int) (place, error) {
	var r unix.PtraceRegs
	err := unix.PtraceGetRegs(tid, &r)
	return place{pc: r.Rip, sp: r.Rsp}, err
}
