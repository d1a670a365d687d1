package main

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// What follows reads text that the kernel writes, in part out of what the
// process chose (its name), and text that the process itself wrote (the
// armed note). None of it touches the system.

// A signalSet is a signal mask as proc_pid_status(5) prints it: signal n is
// bit n-1.
type signalSet uint64

func (s signalSet) has(n int) bool { return n >= 1 && n <= 64 && s>>(n-1)&1 == 1 }

// A procStatus is what matters here of /proc/PID/status.
type procStatus struct {
	name    string
	state   byte
	tgid    int
	uid     int   // effective
	gid     int   // effective
	tracer  int   // who traces it, or 0
	cpus    int   // how many it may run on, or 0
	nspid   []int // in each pid namespace, from the reader's to its own
	blocked signalSet
	ignored signalSet
	caught  signalSet
}

func parseStatus(text []byte) (procStatus, error) {
	s := procStatus{uid: -1, gid: -1}
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
			s.name = value
			continue
		case "NSpid":
			for _, f := range fields {
				var n int
				if n, err = strconv.Atoi(f); err != nil {
					break
				}
				s.nspid = append(s.nspid, n)
			}
		case "State":
			if value == "" {
				err = errors.New("empty")
				break
			}
			s.state = value[0]
			seen |= 1
		case "Tgid":
			s.tgid, err = strconv.Atoi(value)
			seen |= 2
		case "Uid":
			s.uid, err = effective(fields)
			seen |= 4
		case "Gid":
			s.gid, err = effective(fields)
			seen |= 64
		case "TracerPid":
			s.tracer, err = strconv.Atoi(value)
		case "Cpus_allowed_list":
			s.cpus, err = countList(value)
		case "SigBlk":
			s.blocked, err = parseSignalSet(value)
			seen |= 8
		case "SigIgn":
			s.ignored, err = parseSignalSet(value)
			seen |= 16
		case "SigCgt":
			s.caught, err = parseSignalSet(value)
			seen |= 32
		}
		if err != nil {
			return procStatus{}, fmt.Errorf("%s: %w", key, err)
		}
	}
	if seen != 127 {
		return procStatus{}, errors.New("not the status of a process")
	}
	return s, nil
}

// effective is the second of the four ids that a process has of each kind.
func effective(fields []string) (int, error) {
	if len(fields) < 2 {
		return -1, errors.New("too few fields")
	}
	n, err := strconv.ParseUint(fields[1], 10, 32)
	return int(n), err
}

// countList counts what a list like 0-3,8 names.
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

func parseSignalSet(hex string) (signalSet, error) {
	if n := len(hex) - 16; n > 0 {
		hex = hex[n:] // mips knows 128 signals; none above 64 is of use here
	}
	n, err := strconv.ParseUint(hex, 16, 64)
	return signalSet(n), err
}

// exiting tells from /proc/PID/stat whether the process is on its way out.
// Its sockets are closed after the flag is set, so at the end of a connection
// this tells a process that died from one that hung up.
func exiting(stat []byte) bool {
	const pfExiting = 0x4 // PF_EXITING, include/linux/sched.h
	s, err := parseStat(stat)
	return err == nil && (s.flags&pfExiting != 0 || s.state == 'Z' || s.state == 'X')
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// A mount is what matters here of a line of mountinfo, proc_pid_mountinfo(5).
// Blanks in names stay escaped there, and so here.
type mount struct {
	id, parent int
	fs         string // which file system
	root       string // the directory of it that is mounted
	dir        string // where, as the process sees it
	readOnly   bool
}

func parseMounts(text []byte) (mounts []mount, err error) {
	for line := range bytes.Lines(text) {
		// id parent major:minor root dir options [tag]... - type source options
		fields := strings.Fields(string(line))
		end := slices.Index(fields, "-")
		if end < 6 || len(fields) < end+4 {
			return nil, fmt.Errorf("%q", line)
		}
		m := mount{fs: fields[2], root: fields[3], dir: fields[4]}
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

// A place is a directory, whatever it is called.
type place struct {
	fs, dir  string
	readOnly bool
}

func (p place) same(other place) bool { return p.fs == other.fs && p.dir == other.dir }

// placeOf goes from mount to mount as the kernel does. Links it does not see.
func placeOf(mounts []mount, dir string) (place, bool) {
	at := slices.IndexFunc(mounts, func(m mount) bool {
		return m.dir == "/" && !slices.ContainsFunc(mounts, func(o mount) bool { return o.id == m.parent })
	})
	if at < 0 {
		return place{}, false // a chroot to what is no mount
	}
	m := mounts[at]
	for range mounts { // each at most once, whatever they say of each other
		next := -1
		for i, o := range mounts {
			if _, under := below(dir, o.dir); under && o.parent == m.id && (next < 0 || len(o.dir) < len(mounts[next].dir)) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		m = mounts[next]
	}
	rest, _ := below(dir, m.dir)
	return place{m.fs, path.Join(m.root, rest), m.readOnly}, true
}

// below is what of a path follows a directory that it is in.
func below(name, dir string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(name, strings.TrimSuffix(dir, "/"))
	return rest, ok && (rest == "" || rest[0] == '/')
}

// maxPath is how long a path the address of a socket holds: sun_path is 108
// bytes on Linux and shorter elsewhere.
const maxPath = 107

// armedNoteMax is more than any note can need: four short lines and a path.
const armedNoteMax = 4096

// An armedNote is what an armed process says of itself.
type armedNote struct {
	pid    int // in its own pid namespace
	signal int
	path   string // absolute, or @ and the name of a socket without a file
}

// parseArmedNote believes nothing: any process may hold a descriptor of that
// name with anything in it.
func parseArmedNote(text []byte) (armedNote, error) {
	if len(text) > armedNoteMax {
		return armedNote{}, errors.New("too long")
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if ok {
			values[key] = value
		}
	}
	if v := values["lazy"]; v != "1" {
		return armedNote{}, fmt.Errorf("version %q is not known", v)
	}
	var n armedNote
	var err error
	if n.pid, err = strconv.Atoi(values["pid"]); err != nil || n.pid <= 0 {
		return armedNote{}, fmt.Errorf("pid %q", values["pid"])
	}
	if n.signal, err = strconv.Atoi(values["signo"]); err != nil || n.signal < 1 || n.signal > 64 {
		return armedNote{}, fmt.Errorf("signo %q", values["signo"])
	}
	n.path = values["path"]
	if !strings.HasPrefix(n.path, "/") && !strings.HasPrefix(n.path, "@") || n.path == "@" || len(n.path) > maxPath || strings.ContainsFunc(n.path, unicode.IsControl) {
		return armedNote{}, fmt.Errorf("path %q", n.path)
	}
	return n, nil
}
