package console

import (
	"io"
	"os"
)

// executable writes the file that the process runs.
func executable(w io.Writer) error {
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
