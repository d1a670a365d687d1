package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
)

// Where the hierarchies of cgroups are mounted, by systemd and everybody who
// does as it does: all in one, or one for each controller of version 1 and the
// unified one beside them.
const cgroupRoot = "/sys/fs/cgroup"

// A cgroup is where a process stands in the hierarchies that can hold it back:
// a directory in each, or "".
type cgroup struct{ unified, freezer, cpu string }

func cgroupOf(pid int) (g cgroup) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return g
	}
	groups := procfs.ParseCgroups(text)
	at := func(controller, file string, mounts ...string) string {
		path, ok := groups[controller]
		if !ok {
			return ""
		}
		for _, m := range mounts {
			dir := filepath.Join(cgroupRoot, m, path)
			if _, err := os.Lstat(filepath.Join(dir, file)); err == nil {
				return dir
			}
		}
		return ""
	}
	g.unified = at("", "cgroup.procs", "unified", ".")
	g.freezer = at("freezer", "freezer.state", "freezer")
	g.cpu = at("cpu", "cpu.stat", "cpu", "cpu,cpuacct")
	return g
}

// frozen is the directory of the cgroup by which the process is frozen, its own
// or one above; or "".
func (g cgroup) frozen() string {
	if text, err := os.ReadFile(g.unified + "/cgroup.events"); g.unified != "" && err == nil && procfs.ParseCounts(text)["frozen"] == 1 {
		return outermost(g.unified, "cgroup.freeze", "1")
	}
	if text, err := os.ReadFile(g.freezer + "/freezer.state"); g.freezer != "" && err == nil && strings.TrimSpace(string(text)) != "THAWED" {
		return outermost(g.freezer, "freezer.self_freezing", "1")
	}
	return ""
}

// outermost is the highest directory, from dir upwards, where the file says so.
func outermost(dir, file, value string) string {
	found := dir
	for ; strings.HasPrefix(dir, cgroupRoot+"/"); dir = filepath.Dir(dir) {
		if text, err := os.ReadFile(filepath.Join(dir, file)); err == nil && strings.TrimSpace(string(text)) == value {
			found = dir
		}
	}
	return found
}

// thaw is the command that ends it.
func thaw(dir string) string {
	if _, err := os.Lstat(dir + "/freezer.state"); err == nil {
		return "docker unpause, or echo THAWED >" + dir + "/freezer.state"
	}
	return "docker unpause, or echo 0 >" + dir + "/cgroup.freeze"
}

// A quota says how many periods there were, and in how many of them the CPU
// time for the cgroup was used up.
type quota struct{ throttled, periods uint64 }

// quotas are those that hold for the process, by the cgroup's directory: its
// own and those above, any of which may be limited.
func (g cgroup) quotas() map[string]quota {
	quotas := map[string]quota{}
	for _, dir := range []string{g.cpu, g.unified} {
		for ; strings.HasPrefix(dir, cgroupRoot+"/"); dir = filepath.Dir(dir) {
			text, err := os.ReadFile(dir + "/cpu.stat")
			if c := procfs.ParseCounts(text); err == nil && c["nr_periods"] > 0 {
				quotas[dir] = quota{c["nr_throttled"], c["nr_periods"]}
			}
		}
	}
	return quotas
}

// pressure is which part of the last ten seconds, in percent, nobody in the
// cgroup, or on the machine, could work for want of memory.
func (g cgroup) pressure() float64 {
	for _, file := range []string{g.unified + "/memory.pressure", "/proc/pressure/memory"} {
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
