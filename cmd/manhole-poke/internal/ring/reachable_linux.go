package ring

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"github.com/go-manhole/lazy/internal/sockpath"
	"golang.org/x/sys/unix"
)

// checkReachable fails if the socket would appear where nobody gets to from
// here. A process whose root directory is hidden (it has capabilities that we
// lack: ptrace(2), access mode checking) hides its path as well, which is
// therefore guessed and looked for in our own directories, which most processes
// share. Whether this one does, its mounts show, which everybody may read:
// mounts_open_common in fs/proc_namespace.c asks for no permission.
func checkReachable(p *process.Process, e endpoint) error {
	if !e.guessed {
		return nil
	}
	root, err := p.OpenRoot()
	if err == nil {
		unix.Close(root)
	}
	if !process.IsDenied(err) {
		return nil
	}
	theirs, ours := mountsIn(p.Proc("mountinfo")), mountsIn("/proc/self/mountinfo")
	for _, path := range sockpath.Usual(p.NSPid) {
		if sockpath.IsAbstract(path) {
			continue
		}
		there, ok := procfs.PlaceOf(theirs, filepath.Dir(path))
		if ok && there.ReadOnly {
			continue // Arm has taken the next one
		}
		here, known := procfs.PlaceOf(ours, filepath.Dir(path))
		if !ok || !known || there.Same(here) {
			return nil
		}
		return exit.Errorf(exit.Denied, "inaccessible", "%s has another root directory, which uid %d may not see (the process has more capabilities, or is protected), and its %s is not the one here, so it was not signalled; try with the capability SYS_PTRACE (kubectl debug --profile=general or sysadmin), in the container itself (kubectl exec), or -p PATH if its socket is visible here", p, os.Geteuid(), filepath.Dir(path))
	}
	return nil
}

// mountsIn returns nil if the mounts cannot be read.
func mountsIn(name string) []procfs.Mount {
	text, err := procfs.ReadFile(name)
	if err != nil {
		return nil
	}
	mounts, err := procfs.ParseMounts(text)
	if err != nil {
		return nil
	}
	return mounts
}

// maxLikely bounds the paths that are tried, as anybody may listen at many that
// look likely.
const maxLikely = 32

// likelyPaths returns the usual paths with a file and, if the socket is open,
// what the list of unix sockets in the process's network namespace shows, which
// everybody may read.
func likelyPaths(p *process.Process) []string {
	paths := slices.DeleteFunc(sockpath.Usual(p.NSPid), sockpath.IsAbstract)
	text, err := procfs.ReadFile(p.Proc("net/unix"))
	if err != nil {
		return paths
	}
	name := filepath.Base(sockpath.Default(p.NSPid))
	for _, path := range procfs.ParseUnixListeners(text) {
		if len(paths) == maxLikely {
			break
		}
		if strings.TrimPrefix(filepath.Base(path), "@") == name && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}
