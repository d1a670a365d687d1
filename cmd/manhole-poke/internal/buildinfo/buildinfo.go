// Package buildinfo is debug/buildinfo for executables of others, which may be
// made to hang, to fill the memory or to crash whatever reads them.
package buildinfo

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"
)

// What reading one executable may cost. Of an executable that says where its
// build information is, some 10 KB are read; of one that does not, the data
// segment is searched for it.
const (
	maxBytes = 64 << 20
	maxTime  = 2 * time.Second
)

// ErrBudget is the error for an executable that costs too much to read.
var ErrBudget = errors.New("its executable takes too long to read, or is made to")

// ReadFile reads how a Go program was built from its executable. It fails if
// that is no regular file, cannot be read at once, or is not Go's, and with
// ErrBudget after 64 MiB or 2 seconds. A file system that does not answer can
// still block it.
func ReadFile(name string) (info *debug.BuildInfo, err error) {
	err = Read(name, func(r io.ReaderAt) (err error) {
		info, err = buildinfo.Read(r)
		return err
	})
	return info, err
}

// Read opens an executable and calls read with it, under the limits of ReadFile.
// Package debug/elf does not promise to survive every file, so a panic of read
// is an error as well.
func Read(name string, read func(io.ReaderAt) error) (err error) {
	f, err := open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return &os.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	b := &budget{r: f, bytes: maxBytes, until: time.Now().Add(maxTime)}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its executable cannot be understood: %v", v)
		}
		if b.spent {
			err = ErrBudget
		}
	}()
	return read(b)
}

// A budget lets so much be read, and until then.
type budget struct {
	r     io.ReaderAt
	bytes int64
	until time.Time
	spent bool
}

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if b.bytes -= int64(len(p)); b.bytes < 0 || time.Now().After(b.until) {
		b.spent = true
		return 0, ErrBudget
	}
	return b.r.ReadAt(p, off)
}
