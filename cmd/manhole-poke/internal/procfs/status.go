package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A SignalSet is a signal mask as proc_pid_status(5) prints it: signal n is
// bit n-1.
type SignalSet uint64

// Has reports whether the signal is in the set.
func (s SignalSet) Has(n int) bool { return n >= 1 && n <= 64 && s>>(n-1)&1 == 1 }

// A Status holds what is needed of /proc/PID/status, proc_pid_status(5).
type Status struct {
	Name    string
	State   byte
	TGID    int
	UID     int   // effective
	GID     int   // effective
	Tracer  int   // PID of its tracer, or 0
	CPUs    int   // number that it may run on, or 0
	NSPid   []int // in each pid namespace, from the reader's to its own
	Blocked SignalSet
	Ignored SignalSet
	Caught  SignalSet
}

// ParseStatus parses a status. It fails if the state, the Tgid, an ID or a signal
// mask is missing.
func ParseStatus(text []byte) (Status, error) {
	s := Status{UID: -1, GID: -1}
	var seen int
	for line := range bytes.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		fields := strings.Fields(value)
		var err error
		switch key {
		case "Name":
			s.Name = value
			continue
		case "NSpid":
			for _, f := range fields {
				var n int
				if n, err = strconv.Atoi(f); err != nil {
					break
				}
				s.NSPid = append(s.NSPid, n)
			}
		case "State":
			if value == "" {
				err = errors.New("empty")
				break
			}
			s.State = value[0]
			seen |= 1
		case "Tgid":
			s.TGID, err = strconv.Atoi(value)
			seen |= 2
		case "Uid":
			s.UID, err = effective(fields)
			seen |= 4
		case "Gid":
			s.GID, err = effective(fields)
			seen |= 64
		case "TracerPid":
			s.Tracer, err = strconv.Atoi(value)
		case "Cpus_allowed_list":
			s.CPUs, err = countList(value)
		case "SigBlk":
			s.Blocked, err = parseSignalSet(value)
			seen |= 8
		case "SigIgn":
			s.Ignored, err = parseSignalSet(value)
			seen |= 16
		case "SigCgt":
			s.Caught, err = parseSignalSet(value)
			seen |= 32
		}
		if err != nil {
			return Status{}, fmt.Errorf("%s: %w", key, err)
		}
	}
	if seen != 127 {
		return Status{}, errors.New("not the status of a process")
	}
	return s, nil
}

// effective returns the second of the four IDs of each kind.
func effective(fields []string) (int, error) {
	if len(fields) < 2 {
		return -1, errors.New("too few fields")
	}
	n, err := strconv.ParseUint(fields[1], 10, 32)
	return int(n), err
}

// countList returns the number of elements in a list like 0-3,8.
func countList(list string) (n int, err error) {
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, err := strconv.ParseUint(first, 10, 16)
		if err != nil {
			return 0, err
		}
		b, err := strconv.ParseUint(last, 10, 16)
		if err != nil || b < a {
			return 0, fmt.Errorf("%q", part)
		}
		n += int(b-a) + 1
	}
	return n, nil
}

func parseSignalSet(hex string) (SignalSet, error) {
	if n := len(hex) - 16; n > 0 {
		hex = hex[n:] // mips knows 128 signals; none above 64 is of use here
	}
	n, err := strconv.ParseUint(hex, 16, 64)
	return SignalSet(n), err
}

// PreemptionOff reports whether the environment turns off asynchronous preemption
// in the Go runtime (GODEBUG in package runtime).
func PreemptionOff(environ []byte) bool {
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
