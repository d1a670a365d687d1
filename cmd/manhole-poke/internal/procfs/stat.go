package procfs

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"
)

// userHz is the number of clock ticks per second in /proc, whatever the kernel's
// own HZ: USER_HZ in include/asm-generic/param.h.
const userHz = 100

// A Stat holds what is needed of /proc/PID/stat and /proc/PID/task/TID/stat,
// proc_pid_stat(5).
type Stat struct {
	Name         string
	State        byte
	Parent       int // its PID; 0 if it is not visible from here
	flags        uint64
	MajorFaults  uint64
	User, System time.Duration
	Started      time.Duration // after boot, including time in suspend
}

// ParseStat parses a stat. The name may contain parentheses and line ends.
func ParseStat(text []byte) (Stat, error) {
	end := bytes.LastIndexByte(text, ')') // the name may hold some itself
	_, name, named := strings.Cut(string(text[:max(end, 0)]), "(")
	fields := strings.Fields(string(text[end+1:]))
	if !named || len(fields) < 20 || len(fields[0]) != 1 || fields[0] < "A" {
		return Stat{}, errors.New("not the stat of a process")
	}
	s := Stat{Name: name, State: fields[0][0]}
	var parent, user, system, started uint64
	for i, n := range map[int]*uint64{1: &parent, 6: &s.flags, 9: &s.MajorFaults, 11: &user, 12: &system, 19: &started} {
		var err error
		if *n, err = strconv.ParseUint(fields[i], 10, 63); err != nil {
			return Stat{}, err
		}
	}
	s.Parent = int(min(parent, 1<<31-1))
	s.User, s.System, s.Started = ticks(user), ticks(system), ticks(started)
	return s, nil
}

func ticks(n uint64) time.Duration {
	const max = uint64(1<<63-1) / uint64(time.Second/userHz)
	return time.Duration(min(n, max)) * (time.Second / userHz)
}

// Exiting reports whether a process with this stat is exiting or has exited. Its
// sockets are closed after the flag is set, so this distinguishes, at the end of
// a connection, a process that died from one that hung up.
func Exiting(stat []byte) bool {
	const pfExiting = 0x4 // PF_EXITING, include/linux/sched.h
	s, err := ParseStat(stat)
	return err == nil && (s.flags&pfExiting != 0 || s.State == 'Z' || s.State == 'X')
}
