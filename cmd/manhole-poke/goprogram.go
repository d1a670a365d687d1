package main

import (
	"debug/buildinfo"
	"fmt"
	"runtime/debug"
)

// readBuildInfo reads how a Go program was built out of its executable. What
// stands there is somebody else's choice, and package debug/elf does not promise
// to survive everything.
func readBuildInfo(name string) (b *debug.BuildInfo, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its executable cannot be understood: %v", v)
		}
	}()
	return buildinfo.ReadFile(name)
}
