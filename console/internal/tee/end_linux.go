//go:build linux && (amd64 || arm64)

package tee

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Fate returns how the process ended, after Ended has reported that: "was killed by
// SIGKILL", for instance.
func (t *Tee) Fate() string {
	t.release()
	return t.fate
}

// fate describes how a process ended.
func fate(status unix.WaitStatus) string {
	switch {
	case status.Signaled() && status.Signal() == unix.SIGSYS:
		return "was killed by SIGSYS, as by a seccomp filter that forbids what it needs"
	case status.Signaled():
		return "was killed by " + unix.SignalName(status.Signal())
	}
	return fmt.Sprintf("ended with status %d, as if something forbids what it needs", status.ExitStatus())
}

// release makes sure that no zombie remains of the process.
func (t *Tee) release() {
	pid := t.pid
	if t.pid = 0; pid == 0 {
		return
	}
	t.fate = "ended"
	for range 10 {
		if status, gone := reap(pid); gone {
			if status != nil {
				t.fate = fate(*status)
			}
			return
		}
		time.Sleep(time.Millisecond)
	}
	reapLater(pid)
}

// reapLater does so for a process that does not end yet because children of the
// program hold the pipe.
func reapLater(pid int) {
	time.AfterFunc(time.Second, func() {
		if _, gone := reap(pid); !gone {
			reapLater(pid)
		}
	})
}

// reap reports whether nothing is left of the process, and how it ended if that
// is known.
func reap(pid int) (status *unix.WaitStatus, gone bool) {
	var how unix.WaitStatus
	got, err := unix.Wait4(pid, &how, unix.WNOHANG, nil)
	if got == pid {
		return &how, true
	}
	// ECHILD if the program itself has waited for any child.
	return nil, err == unix.ECHILD
}
