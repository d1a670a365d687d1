package stackdump

import (
	"bytes"
	"os"
	"strconv"
)

// availableMemory returns how many bytes of memory can be allocated before the
// system or the container kills a process, or -1 if that is unknown.
func availableMemory() int64 {
	left := int64(-1)
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		if _, after, ok := bytes.Cut(b, []byte("MemAvailable:")); ok {
			if f := bytes.Fields(after); len(f) > 0 {
				if kb, err := strconv.ParseInt(string(f[0]), 10, 53); err == nil {
					left = kb << 10
				}
			}
		}
	}
	// In a container this is its own cgroup; elsewhere the files are missing.
	limit, ok := readInt("/sys/fs/cgroup/memory.max")
	used, ok2 := readInt("/sys/fs/cgroup/memory.current")
	if ok && ok2 {
		if l := max(limit-used, 0); left < 0 || l < left {
			left = l
		}
	}
	return left
}

func readInt(path string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64) // "max" is no number
	return n, err == nil
}
