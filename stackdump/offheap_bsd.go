//go:build darwin || freebsd

package stackdump

import "golang.org/x/sys/unix"

const offHeapFlags = unix.MAP_ANON | unix.MAP_PRIVATE
