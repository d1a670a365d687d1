//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package stackdump

import "golang.org/x/sys/unix"

const scratchFlags = unix.MAP_ANON | unix.MAP_PRIVATE
