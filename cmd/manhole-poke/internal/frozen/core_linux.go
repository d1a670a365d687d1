package frozen

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"golang.org/x/sys/unix"
)

// fetch fetches a core file, and the executable if that is not at hand.
func (c *Copy) fetch(ctx context.Context, s *session.Session, o Options) error {
	core, err := temporary()
	if err != nil {
		return exit.Errorf(exit.LocalIO, "file", "cannot make a temporary file for the core: %v; set TMPDIR to another directory", err)
	}
	c.Core = c.keep(core)
	if err := receive(ctx, s, "core", core, o); err != nil {
		return err
	}
	if c.Exe != "" {
		return nil
	}
	exe, err := temporary()
	if fd, e := s.Process().OpenProc("exe", unix.O_RDONLY); s.Process().PID != 0 && e == nil {
		if err == nil {
			exe.Close()
		}
		c.Exe = c.keep(os.NewFile(uintptr(fd), "executable"))
		return nil
	}
	if err != nil {
		return exit.Errorf(exit.LocalIO, "file", "cannot make a temporary file for the executable: %v; set TMPDIR to another directory", err)
	}
	c.Exe = c.keep(exe)
	return receive(ctx, s, "binary", exe, Options{})
}

// temporary returns a new file without a name. So nothing is left of it,
// whatever ends this process.
func temporary() (*os.File, error) {
	dir, err := os.MkdirTemp("", "manhole-poke-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	return os.OpenFile(filepath.Join(dir, "file"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// receive writes the answer to a line into f.
func receive(ctx context.Context, s *session.Session, line string, f *os.File, o Options) error {
	r := s.Start(line)
	stop := context.AfterFunc(ctx, r.Interrupt)
	defer stop()
	w := &sparse{f: f}
	failed, err := r.Wait(session.Sink{Out: w, Note: o.Note, Progress: o.Progress})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(w.err, unix.ENOSPC):
		return exit.Errorf(exit.LocalIO, "file", "the %s of %s does not fit into the file system of %s; set TMPDIR to a larger one", line, s.Process(), os.TempDir())
	case failed != "" || err != nil:
		return failure(s, failed, err)
	case w.size == 0:
		return exit.Errorf(exit.Broken, "not-understood", "the answer of %s to %s is empty; try again", s.Process(), line)
	}
	if err := f.Truncate(w.size); err != nil {
		return exit.Errorf(exit.LocalIO, "file", "cannot write the %s: %v", line, err)
	}
	return nil
}

// A sparse writes a file in which blocks of zeros take no room.
type sparse struct {
	f       io.WriterAt
	size    int64
	written int64 // since the room was looked at
	err     error
}

const (
	blockSize  = 4 << 10
	checkEvery = 64 << 20
)

var zeros [blockSize]byte

func (w *sparse) Write(p []byte) (n int, err error) {
	for n < len(p) && w.err == nil {
		part := p[n:min(len(p), n+blockSize-int(w.size%blockSize))]
		if !bytes.Equal(part, zeros[:len(part)]) {
			_, w.err = w.f.WriteAt(part, w.size)
			w.written += int64(len(part))
		}
		w.size += int64(len(part))
		n += len(part)
	}
	if w.written >= checkEvery {
		w.written = 0
		w.err = w.room()
	}
	return n, w.err
}

// room fails when a twentieth of the file system is left, as others need it too.
func (w *sparse) room() error {
	f, ok := w.f.(*os.File)
	var s unix.Statfs_t
	if ok && unix.Fstatfs(int(f.Fd()), &s) == nil && s.Bavail < s.Blocks/20 {
		return unix.ENOSPC
	}
	return nil
}
