//go:build darwin || freebsd || (linux && !(amd64 || arm64))

package sighandler

import (
	"fmt"
	"os/signal"
	"syscall"

	"github.com/go-manhole/lazy/internal/signame"
)

// CheckOwner returns an error if the program ignores the signal. Whether C code
// handles it is not known here.
func CheckOwner(sig syscall.Signal) error {
	if signal.Ignored(sig) {
		return fmt.Errorf("%s is ignored; call signal.Notify for it first, or choose another with WithSignal", signame.Name(sig))
	}
	return nil
}
