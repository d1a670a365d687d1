package process

import (
	"encoding/binary"
	"fmt"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"golang.org/x/sys/unix"
)

// struct kinfo_proc in <sys/user.h> where pointers and long have 64 bits. The
// struct begins with its size; another size would be another layout.
const (
	kinfoSize   = 1088
	kiSigignore = 136
	kiSigcatch  = 152
	kiUID       = 168 // effective
	kiStat      = 388
	kiComm      = 447
	kiCommEnd   = 467
)

// kinfoOf reads sysctl(3) kern.proc.pid.
func kinfoOf(pid int) (kinfo, error) {
	b, err := unix.SysctlRaw("kern.proc.pid", pid)
	if err != nil {
		return kinfo{}, err
	}
	if len(b) < kinfoSize || binary.LittleEndian.Uint32(b) != kinfoSize {
		return kinfo{}, fmt.Errorf("kern.proc.pid is %d bytes, not %d", len(b), kinfoSize)
	}
	return kinfo{
		name:    unix.ByteSliceToString(b[kiComm:kiCommEnd]),
		uid:     int(binary.LittleEndian.Uint32(b[kiUID:])),
		stat:    int8(b[kiStat]),
		caught:  procfs.SignalSet(binary.LittleEndian.Uint64(b[kiSigcatch:])),
		ignored: procfs.SignalSet(binary.LittleEndian.Uint64(b[kiSigignore:])),
	}, nil
}
