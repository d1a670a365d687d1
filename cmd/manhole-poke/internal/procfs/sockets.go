package procfs

import (
	"bytes"
	"strconv"
	"strings"
)

// MaxPath is the longest path in a socket address, in bytes: sun_path has 108,
// one for the NUL, unix(7).
const MaxPath = 107

// ParseUnixListeners parses /proc/PID/net/unix, proc_pid_net(5). It returns the
// paths of listening stream sockets; an abstract name begins with an @.
func ParseUnixListeners(text []byte) (paths []string) {
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
		if len(rest) > 1 && len(rest) <= MaxPath && (rest[0] == '/' || rest[0] == '@') {
			paths = append(paths, rest)
		}
	}
	return paths
}
