//go:build !linux && !darwin && !freebsd

package listing

import "os"

func open(name string) (*os.File, error) { return os.Open(name) }
