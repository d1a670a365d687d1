package stackdump

import "golang.org/x/sys/unix"

// MAP_NORESERVE: so that a system that is strict about promising memory does not
// count what is not used.
const offHeapFlags = unix.MAP_ANON | unix.MAP_PRIVATE | unix.MAP_NORESERVE
