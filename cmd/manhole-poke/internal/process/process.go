// Package process finds Go processes and inspects one, without disturbing it:
// what /proc, or sysctl(3) on macOS and FreeBSD, says of it, and whether it is
// armed.
package process

import (
	"cmp"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

// An Info is what can be seen of a Go process. A nil field is not known: the
// kernel hides it from this user, or the system does not say. The JSON names
// are those of manhole-poke list --json.
type Info struct {
	PID     int     `json:"pid"`
	NSPid   *int    `json:"nspid"` // in its own pid namespace
	UID     *int    `json:"uid"`   // effective
	User    *string `json:"user"`
	Name    string  `json:"name"` // of the executable; comm if that is hidden
	Comm    string  `json:"comm"` // what the kernel calls it, at most 15 bytes on Linux
	Path    *string `json:"path"` // of the executable, as the kernel says
	Deleted bool    `json:"deleted"`
	Go      *string `json:"go"`
	Up      *int64  `json:"up"`     // seconds
	Lazy    *string `json:"lazy"`   // its version, "" if it is not linked
	Armed   *bool   `json:"armed"`  // whether it says so
	Signal  *string `json:"signal"` // nil also if it is not armed
	Socket  *string `json:"socket"` // likewise; as the process itself names it

	// Unanswered says that it took too long to look at the process, so that
	// little is known, not even whether it is one of Go.
	Unanswered bool `json:"unanswered"`
}

// MayBeArmed reports whether the process says that it is armed or hides
// whether it is.
func (i *Info) MayBeArmed() bool {
	return !i.Unanswered && i.Armed == nil || i.Armed != nil && *i.Armed
}

// lazyModule is the module that an armed process has linked.
const lazyModule = "github.com/go-manhole/lazy"

// lazyVersion returns the version of lazy, "" if it is not linked, or nil if
// that is not known. Any package of the module counts, as the build
// information lists modules only.
func lazyVersion(b *debug.BuildInfo) *string {
	// Built without modules (Bazel), or by go test, which leaves out the list.
	if b.Path == "" || len(b.Deps) == 0 && strings.HasSuffix(b.Path, ".test") && b.Main.Path != lazyModule {
		return nil
	}
	for _, m := range append([]*debug.Module{&b.Main}, b.Deps...) {
		if m.Path != lazyModule {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		// A directory has no version; go version -m prints the same.
		return new(cmp.Or(m.Version, "(devel)"))
	}
	return new("")
}

// A Build is how a Go program was built.
type Build struct {
	GoVersion string
	Path      string  // of its main package
	Lazy      *string // see [Info]
}

// newBuild returns nil for nil.
func newBuild(b *debug.BuildInfo) *Build {
	if b == nil {
		return nil
	}
	const max = 4096 // bytes of a text that an executable chooses
	version := lazyVersion(b)
	if version != nil {
		*version = (*version)[:min(max, len(*version))]
	}
	return &Build{GoVersion: b.GoVersion[:min(max, len(b.GoVersion))], Path: b.Path[:min(max, len(b.Path))], Lazy: version}
}

// LinksLazy reports whether the program may have lazy linked.
func (b *Build) LinksLazy() bool { return b.Lazy == nil || *b.Lazy != "" }

// setExecutable sets what follows from the path of the executable.
func (i *Info) setExecutable(path string) {
	path, i.Deleted = strings.CutSuffix(path, " (deleted)") // proc_pid_exe(5)
	i.Path, i.Name = &path, filepath.Base(path)
}

func sortByPID(all []Info) {
	slices.SortFunc(all, func(a, b Info) int { return cmp.Compare(a.PID, b.PID) })
}
