//go:build linux || darwin || freebsd

package outfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A File is one that is being written. It is not safe for concurrent use.
type File struct {
	name      string
	target    string // the name, or what the symlink leads to
	overwrite bool
	old       fs.FileInfo // of the file to be replaced, or nil
	size      int64
	f         *os.File    // nil after Commit
	direct    bool        // f is the pipe or device itself
	stop      func() bool // of the context that ends a write to it
}

// Create starts a file. If the name exists and overwrite is not set, the error
// is an [fs.ErrExist]. The file has mode 0600, or that of the one it replaces.
//
// Create waits until a pipe has a reader. That, and writing to a pipe or
// device, ends when ctx is done; the error of Create is then ctx's cause.
func Create(ctx context.Context, name string, overwrite bool) (*File, error) {
	f := &File{name: name, target: name, overwrite: overwrite}
	st, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// In a directory like /tmp somebody else may have placed the link.
		if to, err := os.Readlink(name); err == nil {
			return nil, fmt.Errorf("%s is a link to %s, which does not exist; try that name", name, to)
		}
	case err != nil:
		return nil, fmt.Errorf("cannot write %s: %w; try another name", name, err)
	case st.IsDir():
		return nil, fmt.Errorf("%s is a directory; try a name in it", name)
	case !st.Mode().IsRegular():
		f.direct = true
		if err := f.openDirect(ctx, st.Mode()); err != nil {
			return nil, err
		}
		return f, nil
	case !overwrite:
		return nil, existsError(name)
	}
	if st != nil {
		if err := f.replace(st); err != nil {
			return nil, fmt.Errorf("cannot overwrite %s: %w; try another name", name, err)
		}
	}
	// 0600, because the content may include the program's secrets.
	if f.f, err = os.CreateTemp(filepath.Dir(f.target), "."+filepath.Base(f.target)+".*"); err != nil {
		return nil, fmt.Errorf("cannot write %s: %w; try another directory", name, err)
	}
	return f, nil
}

// An existsError is the name of a file that exists.
type existsError string

func (e existsError) Error() string { return string(e) + " exists" }

func (e existsError) Is(target error) bool { return target == fs.ErrExist }

// replace resolves the symlinks to the file that is replaced, and checks that
// the kernel does so as well: it follows fewer of them, proc_sys_fs(5).
func (f *File) replace(seen fs.FileInfo) (err error) {
	if f.target, err = filepath.EvalSymlinks(f.name); err != nil {
		return err
	}
	f.old, err = os.Lstat(f.target)
	if err == nil && !os.SameFile(f.old, seen) {
		err = errors.New("it is being changed")
	}
	return err
}

const retryInterval = 20 * time.Millisecond

// openDirect opens a pipe or device. A pipe is opened without blocking and
// tried again, because a blocking open, fifo(7), cannot be cancelled.
func (f *File) openDirect(ctx context.Context, mode fs.FileMode) (err error) {
	pipe := mode&fs.ModeNamedPipe != 0
	flags := os.O_WRONLY
	if pipe {
		flags |= unix.O_NONBLOCK
	}
	f.f, err = os.OpenFile(f.name, flags, 0)
	for pipe && errors.Is(err, unix.ENXIO) { // no reader
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(retryInterval):
		}
		f.f, err = os.OpenFile(f.name, flags, 0)
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", f.name, err)
	}
	file := f.f
	f.stop = context.AfterFunc(ctx, func() { file.SetWriteDeadline(time.Now()) }) // the reader may not read
	return nil
}

// Write implements io.Writer.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	f.size += int64(n)
	return n, err
}

// Name returns the name given to Create.
func (f *File) Name() string { return f.name }

// Size returns how many bytes were written.
func (f *File) Size() int64 { return f.size }

// Commit closes the file and gives it its name. After an error the content
// stays in a temporary file, which the error names.
func (f *File) Commit() error {
	err := f.copyAttributes()
	if closed := f.close(); err == nil {
		err = closed
	}
	switch {
	case err != nil || f.direct:
	case f.overwrite:
		err = os.Rename(f.f.Name(), f.target)
	default:
		err = linkOrRename(f.f.Name(), f.name)
	}
	temp := f.f.Name()
	f.f = nil
	if err != nil {
		return fmt.Errorf("cannot write %s: %w; the answer is in %s", f.name, err, temp)
	}
	return nil
}

// linkOrRename renames without overwriting: link(2) fails if the name exists.
func linkOrRename(from, to string) error {
	err := os.Link(from, to)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// Not every file system has hard links.
		if _, there := os.Lstat(to); errors.Is(there, fs.ErrNotExist) {
			return os.Rename(from, to)
		}
	}
	if err == nil {
		os.Remove(from)
	}
	return err
}

// copyAttributes gives the new file the mode and owner of the old one. Only
// root can give a file away; others can set the group, to one they are in.
func (f *File) copyAttributes() error {
	if f.old == nil {
		return nil
	}
	if st, ok := f.old.Sys().(*syscall.Stat_t); ok {
		if f.f.Chown(int(st.Uid), int(st.Gid)) != nil {
			f.f.Chown(-1, int(st.Gid))
		}
	}
	return f.f.Chmod(f.old.Mode().Perm())
}

// Discard closes and removes the file. After Commit it does nothing.
func (f *File) Discard() {
	if f.f == nil {
		return
	}
	f.close()
	if !f.direct {
		os.Remove(f.f.Name())
	}
	f.f = nil
}

func (f *File) close() error {
	if f.stop != nil {
		f.stop()
	}
	return f.f.Close()
}
