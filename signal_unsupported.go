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
	return nil, fmt.Errorf("%s/%s lacks unix signals or peer credentials that this package knows; the program runs on without a manhole: %w",
		runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)
}

func (*manhole) disarm() error { return nil }
