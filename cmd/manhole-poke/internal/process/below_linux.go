package process

import (
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
)

// maxDepth bounds how far up the parents of a process are followed. They may
// change meanwhile, and then be a circle.
const maxDepth = 256

// ArmedBelow returns the Go processes below a process, by PID, that say that they
// are armed. If none does, it returns those that hide it and have lazy linked or
// hide that as well.
func ArmedBelow(pid int) []Info {
	all, err := List()
	if err != nil {
		return nil
	}
	below := filter(all, func(i *Info) bool { return i.MayBeArmed() && isBelow(i.PID, pid) })
	if armed := filter(below, func(i *Info) bool { return i.Armed != nil }); len(armed) > 0 {
		return armed
	}
	return filter(below, func(i *Info) bool { return i.Lazy == nil || *i.Lazy != "" })
}

// isBelow reports whether a process was started by another, or by one that was.
func isBelow(pid, above int) bool {
	for range maxDepth {
		text, err := procfs.ReadFile(unknown(pid).Proc("stat"))
		if err != nil {
			return false
		}
		s, err := procfs.ParseStat(text)
		if err != nil || s.Parent <= 0 {
			return false
		}
		if pid = s.Parent; pid == above {
			return true
		}
	}
	return false
}
