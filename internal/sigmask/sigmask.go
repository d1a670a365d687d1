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
	"math/bits"
	"os"
	"strconv"
)

// maxThreads bounds how many threads are looked at.
const maxThreads = 20_000

// Notified reports whether the process is notified of the signal (1 to 64).
// known is false where no thread can be looked at; with a process that is no Go
// program the answer means nothing. pid 0 is this process. It reads a file for
// each thread.
func Notified(pid int, signal int) (notified, known bool) {
	if signal < 1 || signal > 64 {
		return false, false
	}
	dir := "/proc/self/task"
	if pid != 0 {
		dir = fmt.Sprintf("/proc/%d/task", pid)
	}
	d, err := os.Open(dir)
	if err != nil {
		return false, false
	}
	defer d.Close()
	names, _ := d.Readdirnames(maxThreads)
	for _, name := range names {
		blocked, ok := ofThread(dir + "/" + name + "/status")
		known = known || ok
		if ok && receives(blocked, signal) {
			return true, true
		}
	}
	return false, known
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

func ofThread(name string) (blocked uint64, ok bool) {
	f, err := os.Open(name)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	var text [4096]byte
	n, _ := f.Read(text[:])
	return Blocked(text[:n])
}

// Blocked returns the mask in the text of a status file, proc_pid_status(5).
func Blocked(status []byte) (mask uint64, ok bool) {
	_, rest, ok := bytes.Cut(status, []byte("\nSigBlk:"))
	if !ok {
		return 0, false
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	mask, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 64)
	return mask, err == nil
}
