//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/go-manhole/lazy/bench/internal/poke"
	"golang.org/x/sys/unix"
)

// A pending looks whether the signal waits for a thread of a process to take
// it. While it does, the kernel drops every further one (signal(7): standard
// signals are not queued), so a ring that does not wait for the one before is
// often no ring at all.
type pending struct {
	status *os.File
	buf    []byte
}

// openPending fails if the process does not exist.
func openPending(pid int) (*pending, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	return &pending{f, make([]byte, 16<<10)}, err
}

func (p *pending) Close() error { return p.status.Close() }

// wait returns true once no signal is pending. It gives up after some time, or
// when the process has ended, and then returns false.
func (p *pending) wait() bool {
	const limit = time.Second
	var start time.Time
	for {
		set, err := p.set()
		switch {
		case err != nil:
			return false
		case set&(1<<(poke.Signal-1)) == 0:
			return true
		case start.IsZero():
			start = time.Now()
		case time.Since(start) > limit:
			return false
		}
		unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
}

// set reads the signals that are pending for the process as a whole.
func (p *pending) set() (uint64, error) {
	n, err := unix.Pread(int(p.status.Fd()), p.buf, 0)
	if err != nil {
		return 0, err
	}
	_, value, ok := bytes.Cut(p.buf[:n], []byte("ShdPnd:\t"))
	if !ok || len(value) < 16 {
		return 0, fmt.Errorf("no pending signals in %s", p.status.Name())
	}
	return strconv.ParseUint(string(value[:16]), 16, 64)
}
