// Package sockpath says where the socket of a process usually is, and what a
// path means, for library and client.
package sockpath

import (
	"path/filepath"
	"strconv"
	"strings"
)

const prefix = "manhole-"

// Default returns where the socket of a process is unless the program chose
// another path or /tmp is of no use. pid is the process's own idea of its PID.
func Default(pid int) string { return "/tmp/" + prefix + strconv.Itoa(pid) }

// IsAbstract reports whether path is a name in the abstract namespace of
// unix(7), written with an @ as ss and lsof do.
func IsAbstract(path string) bool { return strings.HasPrefix(path, "@") }

// PID returns the PID that a usual path is named after, or 0.
func PID(path string) int {
	digits, ok := strings.CutPrefix(strings.TrimPrefix(filepath.Base(path), "@"), prefix)
	if !ok {
		return 0
	}
	pid, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0
	}
	return int(pid)
}
