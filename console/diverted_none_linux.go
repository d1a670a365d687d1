//go:build linux && !amd64 && !arm64

package console

import (
	"fmt"
	"runtime"
)

func divert(*session, []stream) (source, error) {
	return nil, fmt.Errorf("not supported on linux/%s", runtime.GOARCH)
}
