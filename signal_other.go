//go:build !(linux || darwin || freebsd)

package lazy

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

var defaultSignal os.Signal

// A manhole can't exist here.
type manhole struct{}

func arm(config) (*manhole, error) {
	return nil, fmt.Errorf("no unix signals and peer credentials that this package knows on %s/%s; the program runs on without a manhole: %w",
		runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)
}

func (*manhole) disarm() error { return nil }
