//go:build linux && (amd64 || arm64) && lazy_ossignal

package lazy

import "golang.org/x/sys/unix"

// unowned returns an error when somebody else has the signal.
func unowned(sig unix.Signal) error {
	_, err := runtimeOwned(sig)
	return err
}
