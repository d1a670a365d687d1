package procfs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Mount holds what is needed of a line of mountinfo, proc_pid_mountinfo(5).
// Blanks in names stay escaped as they are there.
type Mount struct {
	id, parent int
	fs         string // the device number of the file system
	root       string // its directory that is mounted
	dir        string // where, as the process sees it
	readOnly   bool
}

// ParseMounts parses /proc/PID/mountinfo.
func ParseMounts(text []byte) (mounts []Mount, err error) {
	for line := range bytes.Lines(text) {
		// id parent major:minor root dir options [tag]... - type source options
		fields := strings.Fields(string(line))
		end := slices.Index(fields, "-")
		if end < 6 || len(fields) < end+4 {
			return nil, fmt.Errorf("%q", line)
		}
		m := Mount{fs: fields[2], root: fields[3], dir: fields[4]}
		var errs [2]error
		m.id, errs[0] = strconv.Atoi(fields[0])
		m.parent, errs[1] = strconv.Atoi(fields[1])
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
		for _, options := range []string{fields[5], fields[len(fields)-1]} {
			m.readOnly = m.readOnly || slices.Contains(strings.Split(options, ","), "ro")
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

// A Place identifies a directory, whatever its names.
type Place struct {
	fs, dir  string
	ReadOnly bool
}

// Same reports whether two places are the same directory. One may be mounted
// read-only.
func (p Place) Same(other Place) bool { return p.fs == other.fs && p.dir == other.dir }

// PlaceOf returns the place of a path, going from mount to mount as the kernel
// does, but without following symlinks. It fails if the root directory is not a
// mount.
func PlaceOf(mounts []Mount, dir string) (Place, bool) {
	known := make(map[int]bool, len(mounts))
	on := map[int][]Mount{} // by parent: there may be very many, one upon the other
	for _, m := range mounts {
		known[m.id] = true
	}
	var m Mount
	found := false
	for _, o := range mounts {
		if _, under := below(dir, o.dir); under {
			on[o.parent] = append(on[o.parent], o)
		}
		if !found && o.dir == "/" && !known[o.parent] {
			m, found = o, true
		}
	}
	if !found {
		return Place{}, false // a chroot to a directory that is not a mount
	}
	for {
		upon := on[m.id]
		if len(upon) == 0 {
			break
		}
		delete(on, m.id) // each once, even if they form a loop
		m = slices.MinFunc(upon, func(a, b Mount) int { return cmp.Compare(len(a.dir), len(b.dir)) })
	}
	rest, _ := below(dir, m.dir)
	return Place{m.fs, path.Join(m.root, rest), m.readOnly}, true
}

// below returns the part of a path below a directory.
func below(name, dir string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(name, strings.TrimSuffix(dir, "/"))
	return rest, ok && (rest == "" || rest[0] == '/')
}
