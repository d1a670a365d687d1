// Package sigmask finds out on Linux whether a Go program is notified of a
// signal by os/signal, from outside or within.
//
// The runtime does not say, but the kernel does: the first signal.Notify has the
// runtime keep one thread that blocks every signal except those that the program
// is notified of (ensureSigM in runtime/signal_unix.go). No other thread of a Go
// program has such a mask for longer than it takes to start a thread. Only a
// program that is notified of (nearly) every signal cannot be told from one that
// is notified of none.
package sigmask

import (
	"bytes"
	"fmt"
	"iter"
	"math/bits"
	"os"
	"strconv"
)

// maxThreads bounds how many threads are looked at.
const maxThreads = 20_000

// Notified reports whether the process is notified of the signal (1 to 64).
// known is false where no thread can be inspected; with a process that is no Go
// program the answer means nothing. pid 0 is this process. It reads a file for
// each thread.
func Notified(pid int, signal int) (notified, known bool) {
	tid, known := Receiver(pid, signal)
	return tid != 0, known
}

// Receiver returns the thread on which the process is notified of the signal, or
// 0.
func Receiver(pid int, signal int) (tid int, known bool) {
	if signal < 1 || signal > 64 {
		return 0, false
	}
	for id, blocked := range masks(pid) {
		known = true
		if receives(blocked, signal) {
			return id, true
		}
	}
	return 0, known
}

// Unblocked reports whether some thread of the process lets the signal through.
func Unblocked(pid int, signal int) bool {
	for _, blocked := range masks(pid) {
		if blocked&(1<<(signal-1)) == 0 {
			return true
		}
	}
	return false
}

// OfThread returns the mask of a thread of this process. One that has exited, as
// the main thread of a C program may, blocks everything.
func OfThread(tid int) (blocked uint64, ok bool) {
	return read(fmt.Sprintf("/proc/self/task/%d/status", tid))
}

// masks goes through the threads of a process.
func masks(pid int) iter.Seq2[int, uint64] {
	return func(yield func(int, uint64) bool) {
		dir := "/proc/self/task"
		if pid != 0 {
			dir = fmt.Sprintf("/proc/%d/task", pid)
		}
		d, err := os.Open(dir)
		if err != nil {
			return
		}
		defer d.Close()
		names, _ := d.Readdirnames(maxThreads)
		for _, name := range names {
			blocked, ok := read(dir + "/" + name + "/status")
			tid, err := strconv.Atoi(name)
			if ok && err == nil && !yield(tid, blocked) {
				return
			}
		}
	}
}

// receives reports whether a mask is that of the runtime's thread for os/signal,
// and lets the signal through. The thread also lets through what the runtime
// never blocks, some ten signals (_SigUnblock in runtime/sigtab_*.go).
func receives(blocked uint64, signal int) bool {
	// It blocks 44 signals less those that the program is notified of. Threads
	// of C code may block some.
	const many = 16
	return bits.OnesCount64(blocked) >= many && blocked&(1<<(signal-1)) == 0
}

func read(name string) (blocked uint64, ok bool) {
	f, err := os.Open(name)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	var text [4096]byte
	n, _ := f.Read(text[:])
	return Blocked(text[:n])
}

// Blocked returns the mask in the text of a status file, proc_pid_status(5). A
// zombie blocks everything.
func Blocked(status []byte) (mask uint64, ok bool) {
	_, rest, ok := bytes.Cut(status, []byte("\nSigBlk:"))
	if !ok {
		return 0, false
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	mask, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 64)
	if bytes.Contains(status, []byte("\nState:\tZ")) {
		mask = ^uint64(0)
	}
	return mask, err == nil
}
