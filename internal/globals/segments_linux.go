//go:build amd64 || arm64

package globals

// A segment is memory that holds variables.
type segment struct{ start, end uintptr }

// bounds are the segments that the linker filled, with and without pointers.
var bounds [4]segment

func segments() []segment { return bounds[:] }
