//go:build darwin || freebsd || (linux && !(amd64 || arm64))

package lazy

import (
	"fmt"
	"os/signal"

	"golang.org/x/sys/unix"
)

// unowned returns an error when the program ignores the signal. Whether C code
// handles it can't be told here.
func unowned(sig unix.Signal) error {
	if signal.Ignored(sig) {
		return fmt.Errorf("%s is ignored; call signal.Notify for it first, or choose another with WithSignal", signalName(sig))
	}
	return nil
}
