//go:build !(linux || darwin || freebsd)

package armed

import (
	"errors"
	"os"
)

func parseSignal(string) (os.Signal, error) { return nil, errors.ErrUnsupported }
