package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What follows reads, like procfs.go, text that the kernel writes, and touches
// nothing: what the kernel tells of a thread, of a cgroup and of its sockets.

// userHz is in how many parts /proc counts a second, whatever the kernel's own
// HZ is: USER_HZ in include/asm-generic/param.h.
const userHz = 100

// A procStat is what matters here of /proc/PID/stat and
// /proc/PID/task/TID/stat, proc_pid_stat(5).
type procStat struct {
	name         string
	state        byte
	flags        uint64
	majorFaults  uint64
	user, system time.Duration
}

func parseStat(text []byte) (procStat, error) {
	before, after, ok := cutLast(string(text), ")") // the name may hold some itself
	_, name, named := strings.Cut(before, "(")
	fields := strings.Fields(after)
	if !ok || !named || len(fields) < 13 || len(fields[0]) != 1 || fields[0] < "A" {
		return procStat{}, errors.New("not the stat of a process")
	}
	s := procStat{name: name, state: fields[0][0]}
	var user, system uint64
	for i, n := range map[int]*uint64{6: &s.flags, 9: &s.majorFaults, 11: &user, 12: &system} {
		var err error
		if *n, err = strconv.ParseUint(fields[i], 10, 63); err != nil {
			return procStat{}, err
		}
	}
	s.user, s.system = ticks(user), ticks(system)
	return s, nil
}

func ticks(n uint64) time.Duration {
	const most = uint64(1<<63-1) / uint64(time.Second/userHz)
	return time.Duration(min(n, most)) * (time.Second / userHz)
}

// A procSchedstat is /proc/PID/task/TID/schedstat,
// Documentation/scheduler/sched-stats.rst.
type procSchedstat struct {
	ran    time.Duration
	waited time.Duration // ready to run, while others did
	turns  uint64        // how often it got a CPU
}

func parseSchedstat(text []byte) (procSchedstat, error) {
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return procSchedstat{}, errors.New("not a schedstat")
	}
	var n [3]uint64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseUint(fields[i], 10, 63); err != nil {
			return procSchedstat{}, err
		}
	}
	return procSchedstat{time.Duration(n[0]), time.Duration(n[1]), n[2]}, nil
}

// noSyscall is the number of no system call.
const noSyscall = -1

// A procSyscall is what a thread asked the kernel for, proc_pid_syscall(5).
type procSyscall struct {
	running bool // then nothing more is known
	number  int  // noSyscall if it sleeps for another reason, such as a page fault
	args    []uint64
}

func parseSyscall(text []byte) (procSyscall, error) {
	fields := strings.Fields(string(text))
	if len(fields) == 0 {
		return procSyscall{}, errors.New("empty")
	}
	if fields[0] == "running" {
		return procSyscall{running: true, number: noSyscall}, nil
	}
	n, err := strconv.ParseInt(fields[0], 10, 32)
	if err != nil || n < noSyscall {
		return procSyscall{}, fmt.Errorf("%q is not a system call", fields[0])
	}
	s := procSyscall{number: int(n)}
	if n == noSyscall || len(fields) < 7 {
		return s, nil
	}
	for _, f := range fields[1:7] {
		arg, err := strconv.ParseUint(f, 0, 64)
		if err != nil {
			return procSyscall{}, err
		}
		s.args = append(s.args, arg)
	}
	return s, nil
}

// parseCgroups reads for each controller, "" being the unified hierarchy, which
// cgroup a process is in; /proc/PID/cgroup, cgroups(7). Cgroups outside the
// reader's own namespace are left out, since their paths lead nowhere here.
func parseCgroups(text []byte) map[string]string {
	groups := map[string]string{}
	for line := range bytes.Lines(text) {
		fields := strings.SplitN(strings.TrimSuffix(string(line), "\n"), ":", 3)
		if len(fields) < 3 || !strings.HasPrefix(fields[2], "/") || strings.Contains(fields[2]+"/", "/../") {
			continue
		}
		for controller := range strings.SplitSeq(fields[1], ",") {
			groups[controller] = fields[2]
		}
	}
	return groups
}

// parseCounts reads the files of a cgroup that hold a name and a number on each
// line, such as cpu.stat and cgroup.events.
func parseCounts(text []byte) map[string]uint64 {
	counts := map[string]uint64{}
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) != 2 {
			continue
		}
		if n, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
			counts[fields[0]] = n
		}
	}
	return counts
}

// parsePressure reads which part of the last ten seconds, in percent, nobody
// could work for want of something; the line full of a pressure file,
// Documentation/accounting/psi.rst.
func parsePressure(text []byte) (percent float64, ok bool) {
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) < 2 || fields[0] != "full" {
			continue
		}
		value, found := strings.CutPrefix(fields[1], "avg10=")
		percent, err := strconv.ParseFloat(value, 64)
		return percent, found && err == nil && percent >= 0 && percent <= 100
	}
	return 0, false
}

// parseUnixListeners reads the paths of the stream sockets that listen, one
// without a file with an @ in front; /proc/PID/net/unix, proc_pid_net(5).
func parseUnixListeners(text []byte) (paths []string) {
	const acceptsConnections = 1 << 16 // __SO_ACCEPTCON, include/linux/net.h
	for line := range bytes.Lines(text) {
		fields := strings.SplitN(string(line), " ", 5) // Num RefCount Protocol Flags and the rest
		if len(fields) < 5 {
			continue
		}
		flags, err := strconv.ParseUint(fields[3], 16, 32)
		if err != nil || flags&acceptsConnections == 0 || !strings.HasPrefix(fields[4], "0001 ") {
			continue
		}
		// Type St Inode, padded, and the path, which may hold spaces itself.
		rest := strings.TrimSuffix(fields[4], "\n")
		for range 3 {
			_, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
		}
		if len(rest) > 1 && len(rest) <= maxPath && (rest[0] == '/' || rest[0] == '@') {
			paths = append(paths, rest)
		}
	}
	return paths
}

// parseKernelStack reads the names of the functions, innermost first, down to
// where every system call and every fault comes in; /proc/PID/stack,
// proc_pid_stack(5).
func parseKernelStack(text []byte) (functions []string) {
	const most = 8
	entries := []string{"__do_sys_", "__se_sys_", "__x64_sys_", "__arm64_sys_", "do_syscall_", "invoke_syscall", "entry_", "el0", "asm_", "ret_from_"}
	for line := range bytes.Lines(text) {
		_, function, ok := strings.Cut(strings.TrimSpace(string(line)), "] ")
		function, _, offset := strings.Cut(function, "+")
		if !ok || !offset {
			continue
		}
		if len(functions) == most || slices.ContainsFunc(entries, func(e string) bool { return strings.HasPrefix(function, e) }) {
			break
		}
		functions = append(functions, function)
	}
	return functions
}

// preemptionOff tells from the environment that the Go runtime was asked not to
// interrupt loops; GODEBUG in package runtime.
func preemptionOff(environ []byte) bool {
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		settings, ok := bytes.CutPrefix(variable, []byte("GODEBUG="))
		if !ok {
			continue
		}
		for setting := range bytes.SplitSeq(settings, []byte(",")) {
			if string(setting) == "asyncpreemptoff=1" {
				return true
			}
		}
	}
	return false
}
