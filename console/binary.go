package console

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/go-manhole/lazy/console/internal/args"
)

func binaryDump(_ context.Context, s *session, a *args.Parsed) error {
	if err := a.NoWords(); err != nil {
		return err
	}
	if s.typed() {
		name := "program"
		if path, err := os.Executable(); err == nil {
			name = filepath.Base(path)
		}
		return s.refuseBinary([]string{"binary"}, name, ".bin", "", "")
	}
	return copyExecutable(s.out)
}

// copyExecutable writes the executable file of the process.
func copyExecutable(w io.Writer) error {
	path, err := executablePath()
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
