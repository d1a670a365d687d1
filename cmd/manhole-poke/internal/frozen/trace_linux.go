package frozen

import (
	"os"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/asuser"
	"golang.org/x/sys/unix"
)

// stopTimeout is how long a traced process may take to stop.
const stopTimeout = 5 * time.Second

// traceStopped stops a process by tracing it, calls f, and lets go of it. Its error
// is why the process may not be traced; then f is not called.
func traceStopped(pid int, f func()) (err error) {
	// Whatever happens, the thread ends, and with it the tracing.
	asuser.OnThread(func() {
		if err = os.NewSyscallError("ptrace", unix.PtraceSeize(pid)); err != nil {
			return
		}
		if err = os.NewSyscallError("ptrace", unix.PtraceInterrupt(pid)); err != nil {
			return
		}
		var status unix.WaitStatus
		for late := time.Now().Add(stopTimeout); ; time.Sleep(time.Millisecond) {
			got, waited := unix.Wait4(pid, &status, unix.WALL|unix.WNOHANG, nil)
			if got == pid || waited != nil && waited != unix.EINTR {
				break
			}
			if time.Now().After(late) {
				err = os.NewSyscallError("ptrace", unix.ETIMEDOUT)
				return
			}
		}
		if status.Stopped() {
			f()
			unix.PtraceDetach(pid)
		}
	})
	return err
}
