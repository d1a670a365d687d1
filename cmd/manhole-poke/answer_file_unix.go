//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An answerFile is what -o writes to. It gets its name when all is there, so
// that nothing that exists is lost to an answer that fails half-way, and no
// half of an answer is taken for a whole one.
//
// What -f writes over is therefore replaced by a file beside it, and not
// truncated: writing into the old one could not be taken back. The new one is
// made to look like it, with its mode and, where the system lets us, its owner,
// as who reads it must not lose it; and where the name is a link, it is what the
// link leads to that is replaced. What remains different is that other hard
// links keep the old content.
type answerFile struct {
	name  string
	place string // the name, or what it leads to
	force bool
	old   fs.FileInfo // nil unless that is written over
	size  int64
	f     *os.File
	whole bool        // f is the file itself, because it is none that could be replaced
	free  func() bool // of the context that ends a write to it
}

// newAnswerFile waits for somebody who reads what is a pipe, unless ctx is done.
func newAnswerFile(ctx context.Context, name string, force bool) (*answerFile, error) {
	a := &answerFile{name: name, place: name, force: force}
	st, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// In a directory like /tmp the link may be somebody else's idea.
		if link, err := os.Readlink(name); err == nil {
			return nil, failf(statusHere, "%s is a link to %s, which does not exist; try that name", name, link)
		}
	case err != nil:
		return nil, failf(statusHere, "cannot write %s: %v; try another name", name, err)
	case st.IsDir():
		return nil, failf(statusHere, "%s is a directory; try a name in it", name)
	case !st.Mode().IsRegular(): // a pipe, /dev/null
		a.whole = true
		if err := a.open(ctx, st.Mode()); err != nil {
			return nil, err
		}
		return a, nil
	case !force:
		return nil, failf(statusHere, "%s exists; try another name, or -f to write over it", name)
	}
	if st != nil {
		if err := a.replaces(st); err != nil {
			return nil, failf(statusHere, "cannot write over %s: %v; try another name", name, err)
		}
	}
	// 0600, as what it holds may be the program's secrets.
	if a.f, err = os.CreateTemp(filepath.Dir(a.place), "."+filepath.Base(a.place)+".*"); err != nil {
		return nil, failf(statusHere, "cannot write %s: %v; try another directory", name, err)
	}
	return a, nil
}

// replaces finds out where what is written over is. What was seen was seen by
// the kernel's rules for links, proc_sys_fs(5), and so must be what is found.
func (a *answerFile) replaces(seen fs.FileInfo) (err error) {
	if a.place, err = filepath.EvalSymlinks(a.name); err != nil {
		return err
	}
	a.old, err = os.Lstat(a.place)
	if err == nil && !os.SameFile(a.old, seen) {
		err = errors.New("it is being changed")
	}
	return err
}

// open opens what is there. A pipe is tried again and again, since an open that
// waits for the other end, fifo(7), could not be given up: it would meet a reader
// who comes later.
func (a *answerFile) open(ctx context.Context, mode fs.FileMode) (err error) {
	flags := os.O_WRONLY
	if mode&fs.ModeNamedPipe != 0 {
		flags |= unix.O_NONBLOCK
	}
	a.f, err = os.OpenFile(a.name, flags, 0)
	for mode&fs.ModeNamedPipe != 0 && errors.Is(err, unix.ENXIO) {
		if err := wait(ctx, 20*time.Millisecond); err != nil {
			return err
		}
		a.f, err = os.OpenFile(a.name, flags, 0)
	}
	if err != nil {
		return failf(statusHere, "cannot write %s: %v", a.name, err)
	}
	f := a.f
	a.free = context.AfterFunc(ctx, func() { f.SetWriteDeadline(time.Now()) }) // for who opens a pipe and reads nothing
	return nil
}

func (a *answerFile) Write(p []byte) (int, error) {
	n, err := a.f.Write(p)
	a.size += int64(n)
	return n, err
}

func (a *answerFile) close() error {
	if a.free != nil {
		a.free()
	}
	return a.f.Close()
}

// keep gives the file its name.
func (a *answerFile) keep() error {
	err := a.resemble()
	if closed := a.close(); err == nil {
		err = closed
	}
	switch {
	case err != nil || a.whole:
	case a.force:
		err = os.Rename(a.f.Name(), a.place)
	default:
		// Unlike rename, link fails if somebody else took the name meanwhile.
		err = os.Link(a.f.Name(), a.name)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			// Not every file system has links.
			if _, there := os.Lstat(a.name); errors.Is(there, fs.ErrNotExist) {
				err = os.Rename(a.f.Name(), a.name)
			}
		}
		if err == nil {
			os.Remove(a.f.Name())
		}
	}
	if err != nil {
		left := a.f.Name()
		a.f = nil
		return failf(statusHere, "cannot write %s: %v; the answer is in %s", a.name, err, left)
	}
	a.f = nil
	return nil
}

// resemble makes the new file look like the old one, if there is one. That of
// another user only root can give back, and one's own only to a group that one is
// in; else it is the mode alone.
func (a *answerFile) resemble() error {
	if a.old == nil {
		return nil
	}
	if st, ok := a.old.Sys().(*syscall.Stat_t); ok {
		if a.f.Chown(int(st.Uid), int(st.Gid)) != nil {
			a.f.Chown(-1, int(st.Gid))
		}
	}
	return a.f.Chmod(a.old.Mode().Perm())
}

// discard removes what was not kept.
func (a *answerFile) discard() {
	if a.f == nil {
		return
	}
	a.close()
	if !a.whole {
		os.Remove(a.f.Name())
	}
}

func (a *answerFile) String() string { return fmt.Sprintf("wrote %s, %d bytes", a.name, a.size) }

// fileFor is the file of one process among several: its pid stands before the
// extension.
func fileFor(name string, d door, several bool) string {
	if !several {
		return name
	}
	who := d.String()
	if d.pid == 0 {
		who = strings.ReplaceAll(strings.Trim(d.path, "/"), "/", "-")
	}
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + who + ext
}
