package console

import (
	"context"
	"io"
	"os"
	"path/filepath"
)

func binaryDump(_ context.Context, s *session, args []string) error {
	if err := none(args); err != nil {
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

// copyExecutable writes the file that the process runs.
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
