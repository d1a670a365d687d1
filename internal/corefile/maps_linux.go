package corefile

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A mapping is what /proc/PID/smaps says of one, proc_pid_smaps(5), or the line of
// /proc/PID/maps.
type mapping struct {
	start, end uint64
	flags      uint32 // of the segment: pfRead, pfWrite, pfExec
	shared     bool
	offset     uint64
	file       string // or "[heap]" and the like, or nothing
	inode      bool   // there is a file
	left       bool   // left out of core files: MADV_DONTDUMP, or a device
	empty      bool   // no page is in memory or swap
}

const (
	pfExec  = 1
	pfWrite = 2
	pfRead  = 4
)

// readMaps reads mappings from smaps or maps.
func readMaps(r io.Reader) (all []mapping, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<10) // a path is at most 4096 bytes, each up to four when escaped
	for lines.Scan() {
		// Most lines of smaps are of no interest, and there can be a million.
		if key, value, ok := bytes.Cut(lines.Bytes(), []byte(":")); ok && len(all) > 0 && !bytes.Contains(key, []byte(" ")) {
			switch string(key) {
			case "Rss", "Swap", "VmFlags":
				all[len(all)-1].know(string(key), strings.Fields(string(value)))
			}
			continue
		}
		m, err := parseMapping(lines.Text())
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, lines.Err()
}

// know adds a line of smaps.
func (m *mapping) know(key string, value []string) {
	switch key {
	case "Rss":
		m.empty = len(value) > 0 && value[0] == "0"
	case "Swap":
		m.empty = m.empty && len(value) > 0 && value[0] == "0"
	case "VmFlags":
		m.left = slices.ContainsFunc(value, func(f string) bool { return f == "dd" || f == "io" || f == "pf" })
	}
}

func parseMapping(line string) (m mapping, err error) {
	bad := fmt.Errorf("not a line of /proc/PID/maps: %.200q", line)
	// address perms offset dev inode path, with blanks in the path
	f := strings.SplitN(line, " ", 6)
	if len(f) < 5 || len(f[1]) != 4 {
		return m, bad
	}
	from, to, ok := strings.Cut(f[0], "-")
	if !ok {
		return m, bad
	}
	if m.start, err = strconv.ParseUint(from, 16, 64); err != nil {
		return m, bad
	}
	if m.end, err = strconv.ParseUint(to, 16, 64); err != nil || m.end <= m.start {
		return m, bad
	}
	if m.offset, err = strconv.ParseUint(f[2], 16, 64); err != nil {
		return m, bad
	}
	for i, flag := range []uint32{pfRead, pfWrite, pfExec} {
		if f[1][i] != '-' {
			m.flags |= flag
		}
	}
	m.shared = f[1][3] == 's'
	m.inode = f[4] != "0"
	if len(f) == 6 {
		m.file = strings.TrimLeft(f[5], " ")
	}
	return m, nil
}

// anonymousShared reports whether no file system has the shared memory behind m.
func (m mapping) anonymousShared() bool {
	return m.shared && strings.HasSuffix(m.file, " (deleted)") &&
		(strings.HasPrefix(m.file, "/dev/zero") || strings.HasPrefix(m.file, "/SYSV") || strings.HasPrefix(m.file, "/memfd:"))
}

// wanted reports whether anything of m belongs into the file.
func (m mapping) wanted() bool {
	switch {
	case m.flags&pfRead == 0, m.left && m.file != "[vdso]":
		return false
	case m.file == "[vvar]", m.file == "[vvar_vclock]", m.file == "[vsyscall]":
		return false // the kernel's
	case m.shared:
		return m.anonymousShared()
	default:
		return !strings.HasPrefix(m.file, "/dev/") || strings.HasPrefix(m.file, "/dev/zero") || strings.HasPrefix(m.file, "/dev/shm/")
	}
}
