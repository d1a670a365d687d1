package memory

import (
	"bytes"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// system knows the limits of the kernel.
func system(h heap, forHeap bool) Room {
	r := unlimited
	if kb, ok := field("/proc/meminfo", "MemAvailable:"); ok {
		r = r.tighter(kb<<10, "memory of the system")
	}
	r = cgroups(r, "/proc/self/cgroup", "/sys/fs/cgroup")
	// In pages: size, resident, shared, text, lib, data; proc_pid_statm(5).
	statm, _ := os.ReadFile("/proc/self/statm")
	pages := bytes.Fields(statm)
	left := func(resource, column int) (int64, bool) {
		var limit unix.Rlimit
		if unix.Getrlimit(resource, &limit) != nil || limit.Cur > 1<<62 || len(pages) <= column {
			return 0, false
		}
		n, err := strconv.ParseInt(string(pages[column]), 10, 51)
		return int64(limit.Cur) - n*int64(os.Getpagesize()), err == nil
	}
	if n, ok := left(unix.RLIMIT_AS, 0); ok {
		if forHeap {
			n = inArenas(n, h)
		}
		r = r.tighter(n, "RLIMIT_AS")
	}
	if n, ok := left(unix.RLIMIT_DATA, 5); ok {
		if forHeap {
			n += h.released
		}
		r = r.tighter(n, "RLIMIT_DATA")
	}
	return r
}

// arena is how much address space the runtime takes at once for the heap: 64 MiB,
// and 4 MiB where pointers have 32 bits (heapArenaBytes in runtime/malloc.go).
const arena = 4 << (20 + 4*(bits.UintSize/64))

// besides is the address space that the runtime needs for something else than the
// heap: for what describes an arena, for instance.
const besides = 4 << 20

// inArenas returns how much the heap can grow in the address space that is left:
// by whole arenas, and by what it has of earlier ones. The runtime ends the
// process if it cannot get an arena.
func inArenas(left int64, h heap) int64 {
	if left < besides {
		return 0
	}
	return (left-besides)/arena*arena + h.released + (arena-h.mapped%arena)%arena
}

// cgroups adds the limits of the cgroups that a file like /proc/self/cgroup
// names, below mount. In a container the files of its own cgroup stand directly
// in mount, whatever it is called outside.
func cgroups(r Room, list, mount string) Room {
	text, err := os.ReadFile(list)
	if err != nil {
		return r
	}
	for line := range strings.Lines(string(text)) {
		// hierarchy-ID:controllers:path, cgroups(7)
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) < 3 {
			continue
		}
		switch v1 := slices.Contains(strings.Split(parts[1], ","), "memory"); {
		case parts[1] == "":
			r = ancestors(r, mount, parts[2], version2)
		case v1:
			r = ancestors(r, filepath.Join(mount, "memory"), parts[2], version1)
		}
	}
	return r
}

// files are those of a memory controller.
type files struct {
	limit, usage string
	reclaimable  string // of memory.stat: usage that the kernel gives up first
}

var (
	version1 = files{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
	version2 = files{"memory.max", "memory.current", "inactive_file"}
)

// ancestors goes from a cgroup up to the root: the limit of each holds.
func ancestors(r Room, mount, path string, f files) Room {
	// A path may begin with /.. where the cgroup is outside of the namespace.
	for dir := filepath.Clean("/" + path); ; dir = filepath.Dir(dir) {
		at := filepath.Join(mount, dir)
		limit, ok := number(filepath.Join(at, f.limit))
		used, ok2 := number(filepath.Join(at, f.usage))
		// Version 1 has no word for "none" but a number near 1<<63.
		if ok && ok2 && limit < 1<<60 {
			cache, _ := field(filepath.Join(at, "memory.stat"), f.reclaimable)
			r = r.tighter(limit-used+cache, f.limit+" of cgroup "+dir)
		}
		if dir == "/" {
			return r
		}
	}
}

// number reads a file that is one number; "max" is none.
func number(name string) (int64, bool) {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	return n, err == nil
}

// field reads the number behind a word at the beginning of a line.
func field(name, word string) (int64, bool) {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(b) {
		if f := bytes.Fields(line); len(f) > 1 && string(f[0]) == word {
			n, err := strconv.ParseInt(string(f[1]), 10, 53)
			return n, err == nil
		}
	}
	return 0, false
}
