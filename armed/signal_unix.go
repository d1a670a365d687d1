//go:build unix

package armed

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func signalByName(v string) (os.Signal, error) {
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return syscall.Signal(n), nil
	}
	if s := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(v), "SIG")); s != 0 {
		return s, nil
	}
	return nil, fmt.Errorf("signal=%q is neither the name nor the number of a signal", v)
}
