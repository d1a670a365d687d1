package gostack

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Limits for one thread.
const (
	stopTime = 50 * time.Millisecond
	stopNap  = 20 * time.Microsecond
)

// Running returns the calls of a thread that runs, innermost first. It stops the
// thread for that, as a debugger does, for less than a millisecond. The caller
// must be locked to its thread, which must end afterwards if the error is not
// nil: the kernel lets go of what a thread traces when that ends, as it does
// when this process is killed.
func (p *Program) Running(tid int) ([]Frame, error) {
	if err := ptrace(unix.PTRACE_SEIZE, tid, 0); err != nil {
		return nil, err
	}
	// Without a signal, so that the program sees nothing of it, and a death of
	// this process leaves nothing behind.
	err := ptrace(unix.PTRACE_INTERRUPT, tid, 0)
	if err != nil {
		return nil, err // it has ended
	}
	signal, err := waitStopped(tid)
	if err != nil {
		return nil, err
	}
	at, err := registers(tid)
	var frames []Frame
	if err == nil {
		frames = p.walk(at)
	}
	// A signal that it was about to get is passed on.
	if detachErr := ptrace(unix.PTRACE_DETACH, tid, uintptr(signal)); detachErr != nil && detachErr != unix.ESRCH {
		err = detachErr
	}
	return frames, err
}

func waitStopped(tid int) (signal unix.Signal, err error) {
	for until := time.Now().Add(stopTime); ; time.Sleep(stopNap) {
		var status unix.WaitStatus
		n, err := unix.Wait4(tid, &status, unix.WALL|unix.WNOHANG, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == tid && !status.Stopped():
			return 0, unix.ESRCH
		case n == tid && int(status)>>16 != 0: // PTRACE_EVENT_STOP
			return 0, nil
		case n == tid:
			return status.StopSignal(), nil
		case time.Now().After(until):
			return 0, errors.New("it does not stop")
		}
	}
}

func ptrace(request, tid int, data uintptr) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), 0, data, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// IsDenied reports whether an error of Running is for want of permission.
func IsDenied(err error) bool { return err == unix.EPERM || err == unix.EACCES || err == unix.ENOSYS }
