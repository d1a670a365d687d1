//go:build !linux

package console

import "os"

func executablePath() (string, error) { return os.Executable() }
