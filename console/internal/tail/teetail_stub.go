//go:build linux && !amd64 && !arm64

package tail

import (
	"fmt"
	"runtime"
)

func divert([]stream, func()) (source, error) {
	return nil, fmt.Errorf("not supported on linux/%s", runtime.GOARCH)
}
