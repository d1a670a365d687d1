// Package buildinfo is debug/buildinfo for executables of others.
package buildinfo

import (
	"debug/buildinfo"
	"fmt"
	"runtime/debug"
)

// ReadFile reads how a Go program was built out of its executable, and fails if
// that cannot be read or is none of Go's. What stands there is somebody else's
// choice, and package debug/elf does not promise to survive everything: if it
// does not, that is an error as well.
func ReadFile(name string) (b *debug.BuildInfo, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its executable cannot be understood: %v", v)
		}
	}()
	return buildinfo.ReadFile(name)
}
