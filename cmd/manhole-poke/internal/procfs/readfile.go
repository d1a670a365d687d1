package procfs

import (
	"fmt"
	"io"
	"os"
)

// MaxFile is how much of one file is read, in bytes. The largest are
// mountinfo and net/unix, which other users can make as long as they like.
const MaxFile = 16 << 20

// ReadFile is os.ReadFile, and an error for a file of more than MaxFile.
func ReadFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err == nil && len(text) > MaxFile {
		err = &os.PathError{Op: "read", Path: name, Err: fmt.Errorf("more than %d bytes", MaxFile)}
	}
	return text, err
}
