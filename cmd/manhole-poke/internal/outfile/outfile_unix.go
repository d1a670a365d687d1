//go:build linux || darwin || freebsd

package outfile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/safepath"
	"golang.org/x/sys/unix"
)

// A File is one that is being written. It is not safe for concurrent use.
type File struct {
	name      string
	path      *safepath.Path // of the name, or of what the symlink leads to
	temp      string         // name of the temporary file
	overwrite bool
	old       *safepath.Info // of the file to be replaced, or nil
	size      int64
	f         *os.File    // nil after Commit
	direct    bool        // f is the pipe or device itself
	stop      func() bool // of the context that ends a write to it
}

// Create starts a file. If the name exists and overwrite is not set, the error
// is an [fs.ErrExist]. The file has mode 0600, or that of the one it replaces.
// What other users may have placed in the way is refused: see package safepath.
//
// Create waits until a pipe has a reader. That, and writing to a pipe or
// device, ends when ctx is done; the error of Create is then ctx's cause.
func Create(ctx context.Context, name string, overwrite bool) (*File, error) {
	p, err := safepath.Resolve(name, false)
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w; try another name", name, err)
	}
	f := &File{name: name, path: p, overwrite: overwrite}
	if err := f.create(ctx); err != nil {
		f.path.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) create(ctx context.Context) error {
	seen, err := f.path.Stat()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// In a directory like /tmp somebody else may have placed the link.
		if f.path.LinkTo != "" {
			return fmt.Errorf("%s is a link to %s, which does not exist; try that name", f.name, f.path.LinkTo)
		}
	case err != nil:
		return fmt.Errorf("cannot write %s: %w; try another name", f.name, err)
	case seen.Is(unix.S_IFDIR):
		return fmt.Errorf("%s is a directory; try a name in it", f.name)
	case seen.Is(unix.S_IFLNK): // since it was resolved
		return f.changing()
	case !seen.Is(unix.S_IFREG):
		if err := f.path.Trust(seen); err != nil {
			return fmt.Errorf("cannot write %s: %w", f.name, err)
		}
		f.direct = true
		return f.openDirect(ctx, seen)
	case !f.overwrite:
		return existsError(f.name)
	default:
		if f.old, err = f.replace(seen); err != nil {
			return fmt.Errorf("cannot overwrite %s: %w; try another name", f.name, err)
		}
	}
	// 0600, because the content may include the program's secrets.
	if f.f, f.temp, err = f.path.CreateTemp(); err != nil {
		return fmt.Errorf("cannot write %s: %w; try another directory", f.name, err)
	}
	return nil
}

func (f *File) changing() error {
	return fmt.Errorf("%s changes while it is opened: somebody else may want to have another file written; try a directory of your own", f.name)
}

// An existsError is the name of a file that exists.
type existsError string

func (e existsError) Error() string { return string(e) + " exists" }

func (e existsError) Is(target error) bool { return target == fs.ErrExist }

// replace returns the file that is to be replaced. If that is a file that is
// open, such as /dev/stdout, the path becomes its name.
func (f *File) replace(seen safepath.Info) (*safepath.Info, error) {
	if f.path.Opaque() {
		p, err := safepath.Resolve(f.path.LinkTo, false)
		if err != nil {
			return nil, err
		}
		f.path.Close()
		f.path = p
		if now, err := p.Stat(); err != nil || !now.Same(seen) {
			return nil, cmp.Or(err, errors.New("it has no name any more"))
		}
	}
	return &seen, f.path.Trust(seen)
}

const retryInterval = 20 * time.Millisecond

// openDirect opens a pipe or device, and makes sure that it is the one that was
// looked at. A pipe is tried again until it has a reader, because an open that
// waits for one, fifo(7), cannot be cancelled.
func (f *File) openDirect(ctx context.Context, seen safepath.Info) (err error) {
	same := func(opened safepath.Info) error {
		if !opened.Same(seen) {
			return errChanged
		}
		return nil
	}
	open := func() { f.f, err = f.path.Open(os.O_WRONLY, 0, same) }
	open()
	for seen.Is(unix.S_IFIFO) && errors.Is(err, unix.ENXIO) { // no reader
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(retryInterval):
		}
		open()
	}
	switch {
	case errors.Is(err, errChanged), errors.Is(err, unix.ELOOP), errors.Is(err, unix.EMLINK): // a link, on FreeBSD
		return f.changing()
	case err != nil:
		return fmt.Errorf("cannot write %s: %w", f.name, err)
	}
	file := f.f
	f.stop = context.AfterFunc(ctx, func() { file.SetWriteDeadline(time.Now()) }) // the reader may not read
	return nil
}

var errChanged = errors.New("changed")

// Write implements io.Writer. Blocks of zeros become holes in the file.
func (f *File) Write(p []byte) (n int, err error) {
	if f.direct {
		n, err = f.f.Write(p)
		f.size += int64(n)
		return n, err
	}
	for n < len(p) && err == nil {
		part := p[n:min(len(p), n+block-int(f.size%block))]
		wrote := len(part)
		if wrote < block || !bytes.Equal(part, zeros[:]) {
			wrote, err = f.f.WriteAt(part, f.size)
		}
		n += wrote
		f.size += int64(wrote)
	}
	return n, err
}

const block = 4096 // of most file systems

var zeros [block]byte

// Name returns the name given to Create.
func (f *File) Name() string { return f.name }

// Size returns how many bytes were written.
func (f *File) Size() int64 { return f.size }

// Commit closes the file and gives it its name. After an error the content
// stays in a temporary file, which the error names.
func (f *File) Commit() error {
	err := f.copyAttributes()
	if err == nil && !f.direct {
		err = f.f.Truncate(f.size) // it may end with a hole
	}
	if closed := f.close(); err == nil {
		err = closed
	}
	switch {
	case err != nil || f.direct:
	case f.overwrite:
		err = f.path.Rename(f.temp)
	default:
		err = f.linkOrRename()
	}
	temp := f.f.Name()
	f.f = nil
	f.path.Close()
	switch {
	case err != nil && f.direct:
		return fmt.Errorf("cannot write %s: %w", f.name, err)
	case err != nil:
		return fmt.Errorf("cannot write %s: %w; the answer is in %s", f.name, err, temp)
	}
	return nil
}

// linkOrRename renames without overwriting: link(2) fails if the name exists.
func (f *File) linkOrRename() error {
	err := f.path.Link(f.temp)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// Not every file system has hard links.
		if _, there := f.path.Stat(); errors.Is(there, fs.ErrNotExist) {
			return f.path.Rename(f.temp)
		}
	}
	if err == nil {
		f.path.Remove(f.temp)
	}
	return err
}

// copyAttributes gives the new file the mode and owner of the old one. Only
// root can give a file away; others can set the group, to one they are in.
func (f *File) copyAttributes() error {
	if f.old == nil {
		return nil
	}
	if f.f.Chown(f.old.UID, f.old.GID) != nil {
		f.f.Chown(-1, f.old.GID)
	}
	return f.f.Chmod(fs.FileMode(f.old.Mode).Perm())
}

// Discard closes and removes the file. After Commit it does nothing.
func (f *File) Discard() {
	if f.f == nil {
		return
	}
	f.close()
	if !f.direct {
		f.path.Remove(f.temp)
	}
	f.f = nil
	f.path.Close()
}

func (f *File) close() error {
	if f.stop != nil {
		f.stop()
	}
	return f.f.Close()
}
