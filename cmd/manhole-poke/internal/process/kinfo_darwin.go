package process

import (
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"golang.org/x/sys/unix"
)

// kinfoOf reads sysctl(3) kern.proc.pid, struct kinfo_proc in
// <sys/sysctl.h>.
func kinfoOf(pid int) (kinfo, error) {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return kinfo{}, err
	}
	return kinfo{
		name:    unix.ByteSliceToString(k.Proc.P_comm[:]),
		uid:     int(k.Eproc.Ucred.Uid),
		stat:    k.Proc.P_stat,
		caught:  procfs.SignalSet(k.Proc.P_sigcatch),
		ignored: procfs.SignalSet(k.Proc.P_sigignore),
	}, nil
}
