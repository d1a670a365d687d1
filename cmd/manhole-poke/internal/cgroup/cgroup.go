// Package cgroup reads how the cgroups that a process is in hold it back,
// cgroups(7): freeze it, limit its CPU time, or leave it without memory. What
// cannot be read is taken for nothing that does, so on other systems than Linux
// nothing does.
package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
)

// root is where the hierarchies of cgroups are mounted, by systemd and everybody
// who does as it does: all in one, or one for each controller of version 1 and
// the unified one beside them.
const root = "/sys/fs/cgroup"

// A Membership is where a process stands in the hierarchies that can hold it
// back: a directory in each, or "". What its methods tell is read when they are
// called. It is safe for concurrent use.
type Membership struct{ unified, freezer, cpu string }

// Of is the membership of the process, in none if that cannot be read.
func Of(pid int) (m Membership) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
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

// Frozen is the directory of the cgroup by which the process is frozen, its own
// or one above; or "".
func (m Membership) Frozen() string {
	if text, err := os.ReadFile(m.unified + "/cgroup.events"); m.unified != "" && err == nil && procfs.ParseCounts(text)["frozen"] == 1 {
		return outermost(m.unified, "cgroup.freeze", "1")
	}
	if text, err := os.ReadFile(m.freezer + "/freezer.state"); m.freezer != "" && err == nil && strings.TrimSpace(string(text)) != "THAWED" {
		return outermost(m.freezer, "freezer.self_freezing", "1")
	}
	return ""
}

// outermost is the highest directory, from dir upwards, where the file says so.
func outermost(dir, file, value string) string {
	found := dir
	for ; strings.HasPrefix(dir, root+"/"); dir = filepath.Dir(dir) {
		if text, err := os.ReadFile(filepath.Join(dir, file)); err == nil && strings.TrimSpace(string(text)) == value {
			found = dir
		}
	}
	return found
}

// ThawCommand is the command that ends it, for a directory that Frozen gave. It
// is for people to read: there are two, and an or between them.
func ThawCommand(dir string) string {
	if _, err := os.Lstat(dir + "/freezer.state"); err == nil {
		return "docker unpause, or echo THAWED >" + dir + "/freezer.state"
	}
	return "docker unpause, or echo 0 >" + dir + "/cgroup.freeze"
}

// A Quota says how many periods of a cgroup there were so far, and in how many
// of them the CPU time for it was used up.
type Quota struct{ Throttled, Periods uint64 }

// Quotas are those that hold for the process, by the cgroup's directory: its
// own and those above, any of which may be limited.
func (m Membership) Quotas() map[string]Quota {
	quotas := map[string]Quota{}
	for _, dir := range []string{m.cpu, m.unified} {
		for ; strings.HasPrefix(dir, root+"/"); dir = filepath.Dir(dir) {
			text, err := os.ReadFile(dir + "/cpu.stat")
			if c := procfs.ParseCounts(text); err == nil && c["nr_periods"] > 0 {
				quotas[dir] = Quota{c["nr_throttled"], c["nr_periods"]}
			}
		}
	}
	return quotas
}

// Pressure is which part of the last ten seconds, in percent, nobody in the
// cgroup, or on the machine, could work for want of memory; 0 if neither tells.
func (m Membership) Pressure() float64 {
	for _, file := range []string{m.unified + "/memory.pressure", "/proc/pressure/memory"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if percent, ok := procfs.ParsePressure(text); ok {
			return percent
		}
	}
	return 0
}
