//go:build !unix

package armed

import (
	"errors"
	"os"
)

func signalByName(string) (os.Signal, error) {
	return nil, errors.ErrUnsupported
}
