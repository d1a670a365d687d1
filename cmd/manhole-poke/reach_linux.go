package main

import (
	"os"
	"path/filepath"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"golang.org/x/sys/unix"
)

// withinReach fails if the door would open where nobody gets to from here. Whose
// root directory is not ours to see (it has capabilities that we lack, ptrace(2),
// access mode checking) does not tell its path either, so it is guessed and
// looked for in our own directories, which most share. Whether these are the
// process's as well, the mounts say, which everybody may read: mounts_open_common
// in fs/proc_namespace.c asks for nothing.
func (p *process) withinReach(d doorbell) error {
	if !d.guessed {
		return nil
	}
	root, err := p.open("root", unix.O_PATH|unix.O_DIRECTORY)
	if err == nil {
		unix.Close(root)
	}
	if !denied(err) {
		return nil
	}
	theirs, ours := mountsIn(p.proc("mountinfo")), mountsIn("/proc/self/mountinfo")
	for _, path := range p.usualPaths() {
		there, ok := procfs.PlaceOf(theirs, filepath.Dir(path))
		if ok && there.ReadOnly {
			continue // Arm has taken the next one
		}
		here, known := procfs.PlaceOf(ours, filepath.Dir(path))
		if !ok || !known || there.Same(here) {
			return nil
		}
		return failf(statusUnlooked, "%s has a root directory of its own, which is not for uid %d to see (it has more capabilities, or is kept from you), and its %s is not the one here, so it was not rung; try with the capability SYS_PTRACE (kubectl debug --profile=general or sysadmin), in the container itself (kubectl exec), or -p PATH where its socket is to be seen here", p, os.Geteuid(), filepath.Dir(path))
	}
	return nil
}

// mountsIn is nil if it is not known.
func mountsIn(name string) []procfs.Mount {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	mounts, err := procfs.ParseMounts(text)
	if err != nil {
		return nil
	}
	return mounts
}
