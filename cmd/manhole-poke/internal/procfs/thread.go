package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Schedstat holds /proc/PID/task/TID/schedstat,
// Documentation/scheduler/sched-stats.rst.
type Schedstat struct {
	Ran    time.Duration
	Waited time.Duration // ready to run, without a CPU
	Turns  uint64        // how often it got a CPU
}

// ParseSchedstat parses a schedstat.
func ParseSchedstat(text []byte) (Schedstat, error) {
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return Schedstat{}, errors.New("not a schedstat")
	}
	var n [3]uint64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseUint(fields[i], 10, 63); err != nil {
			return Schedstat{}, err
		}
	}
	return Schedstat{time.Duration(n[0]), time.Duration(n[1]), n[2]}, nil
}

// NoSyscall is the Number of a thread that is in no system call.
const NoSyscall = -1

// A Syscall is the system call that a thread is in, proc_pid_syscall(5).
type Syscall struct {
	Running bool // it runs, and nothing more is known
	Number  int  // NoSyscall if it sleeps for another reason, such as a page fault
	Args    []uint64

	// PC and SP are the program counter and the stack pointer outside of the
	// kernel, or 0.
	PC, SP uint64
}

// ParseSyscall parses /proc/PID/syscall.
func ParseSyscall(text []byte) (Syscall, error) {
	fields := strings.Fields(string(text))
	if len(fields) == 0 {
		return Syscall{}, errors.New("empty")
	}
	if fields[0] == "running" {
		return Syscall{Running: true, Number: NoSyscall}, nil
	}
	n, err := strconv.ParseInt(fields[0], 10, 32)
	if err != nil || n < NoSyscall {
		return Syscall{}, fmt.Errorf("%q is not a system call", fields[0])
	}
	s := Syscall{Number: int(n)}
	if len(fields) >= 3 {
		s.SP, _ = strconv.ParseUint(fields[len(fields)-2], 0, 64)
		s.PC, _ = strconv.ParseUint(fields[len(fields)-1], 0, 64)
	}
	if n == NoSyscall || len(fields) < 7 {
		return s, nil
	}
	if len(fields) > 8 && fields[7] == "0x0" && fields[8] == "0x0" {
		// A kernel thread has no stack pointer and no program counter, and the
		// number means nothing.
		return Syscall{Number: NoSyscall}, nil
	}
	for _, f := range fields[1:7] {
		arg, err := strconv.ParseUint(f, 0, 64)
		if err != nil {
			return Syscall{}, err
		}
		s.Args = append(s.Args, arg)
	}
	return s, nil
}

// ParseKernelStack parses /proc/PID/stack, proc_pid_stack(5): the names of the
// functions, innermost first, without those that all system calls and faults
// have in common.
func ParseKernelStack(text []byte) (functions []string) {
	const max = 8
	entries := []string{"__do_sys_", "__se_sys_", "__x64_sys_", "__arm64_sys_", "do_syscall_", "invoke_syscall", "entry_", "el0", "asm_", "ret_from_"}
	for line := range bytes.Lines(text) {
		_, function, ok := strings.Cut(strings.TrimSpace(string(line)), "] ")
		function, _, offset := strings.Cut(function, "+")
		if !ok || !offset {
			continue
		}
		if len(functions) == max || slices.ContainsFunc(entries, func(e string) bool { return strings.HasPrefix(function, e) }) {
			break
		}
		functions = append(functions, function)
	}
	return functions
}
