package procfs

import (
	"bytes"
	"strconv"
	"strings"
)

// ParseCgroups parses /proc/PID/cgroup, cgroups(7): the cgroup of the process by
// controller, "" being the unified hierarchy. Cgroups outside the reader's
// namespace are left out, since their paths lead nowhere here.
func ParseCgroups(text []byte) map[string]string {
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

// ParseCounts parses a file of a cgroup with a name and a number on each line,
// such as cpu.stat and cgroup.events.
func ParseCounts(text []byte) map[string]uint64 {
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

// ParsePressure parses the line "full" of a pressure file,
// Documentation/accounting/psi.rst: for which part of the last ten seconds, in
// percent, no task could run for lack of the resource.
func ParsePressure(text []byte) (percent float64, ok bool) {
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
