// Package cgroup reads how the cgroups of a process hold it back, cgroups(7): by
// freezing it, limiting its CPU time, or leaving it without memory. What cannot
// be read counts as not holding it back; that is everything on systems other than
// Linux.
package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
)

// root is where systemd and others mount the hierarchies of cgroups: a unified
// one, or one for each controller of version 1 and a unified one beside them.
const root = "/sys/fs/cgroup"

// A Membership holds the cgroups of a process in the hierarchies that can hold it
// back: a directory in each, or "". Its methods read the current state. It is
// safe for concurrent use.
type Membership struct{ unified, freezer, cpu string }

// Of returns the membership of a process, which is empty if it cannot be read.
func Of(pid int) (m Membership) {
	text, err := procfs.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return m
	}
	groups := procfs.ParseCgroups(text)
	at := func(controller, file string, mounts ...string) string {
		path, ok := groups[controller]
		if !ok {
			return ""
		}
		for _, mount := range mounts {
			dir := filepath.Join(root, mount, path)
			if !strings.HasPrefix(dir, root+"/") { // it begins with /.., in a cgroup namespace
				continue
			}
			if _, err := os.Lstat(filepath.Join(dir, file)); err == nil {
				return dir
			}
		}
		return ""
	}
	m.unified = at("", "cgroup.procs", "unified", ".")
	m.freezer = at("freezer", "freezer.state", "freezer")
	m.cpu = at("cpu", "cpu.stat", "cpu", "cpu,cpuacct")
	return m
}

// Frozen returns the directory of the cgroup by which the process is frozen, its
// own or an ancestor; or "".
func (m Membership) Frozen() string {
	if text, err := procfs.ReadFile(m.unified + "/cgroup.events"); m.unified != "" && err == nil && procfs.ParseCounts(text)["frozen"] == 1 {
		return outermost(m.unified, "cgroup.freeze", "1")
	}
	if text, err := procfs.ReadFile(m.freezer + "/freezer.state"); m.freezer != "" && err == nil && strings.TrimSpace(string(text)) != "THAWED" {
		return outermost(m.freezer, "freezer.self_freezing", "1")
	}
	return ""
}

// outermost returns the highest directory, from dir upwards, in which the file
// holds the value.
func outermost(dir, file, value string) string {
	found := dir
	for ; strings.HasPrefix(dir, root+"/"); dir = filepath.Dir(dir) {
		if text, err := procfs.ReadFile(filepath.Join(dir, file)); err == nil && strings.TrimSpace(string(text)) == value {
			found = dir
		}
	}
	return found
}

// ThawCommand returns how to thaw a directory from [Membership.Frozen], as text
// for people: two commands with an "or" between them.
func ThawCommand(dir string) string {
	if _, err := os.Lstat(dir + "/freezer.state"); err == nil {
		return "docker unpause, or echo THAWED >" + printable.Shell(dir+"/freezer.state")
	}
	return "docker unpause, or echo 0 >" + printable.Shell(dir+"/cgroup.freeze")
}

// A Quota counts the periods of a cgroup so far, and those in which its CPU time
// was used up.
type Quota struct{ Throttled, Periods uint64 }

// Quotas returns the quotas that apply to the process, by directory: those of its
// own cgroup and of the ancestors.
func (m Membership) Quotas() map[string]Quota {
	quotas := map[string]Quota{}
	for _, dir := range []string{m.cpu, m.unified} {
		for ; strings.HasPrefix(dir, root+"/"); dir = filepath.Dir(dir) {
			text, err := procfs.ReadFile(dir + "/cpu.stat")
			if c := procfs.ParseCounts(text); err == nil && c["nr_periods"] > 0 {
				quotas[dir] = Quota{c["nr_throttled"], c["nr_periods"]}
			}
		}
	}
	return quotas
}

// Pressure returns the part of the last ten seconds, in percent, in which no task
// in the cgroup, or on the machine, could run for lack of memory; 0 if neither is
// known.
func (m Membership) Pressure() float64 {
	for _, file := range []string{m.unified + "/memory.pressure", "/proc/pressure/memory"} {
		text, err := procfs.ReadFile(file)
		if err != nil {
			continue
		}
		if percent, ok := procfs.ParsePressure(text); ok {
			return percent
		}
	}
	return 0
}
