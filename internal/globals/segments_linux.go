//go:build amd64 || arm64

package globals

// A segment is memory that holds variables.
type segment struct{ start, end uintptr }

// segments returns those that the linker filled, without those of pointers only.
func segments() []segment {
	return []segment{
		{address(noptrData), address(endNoptrData)}, {address(data), address(endData)},
		{address(bss), address(endBss)}, {address(noptrBss), address(endNoptrBss)},
	}
}

const (
	noptrData = iota
	endNoptrData
	data
	endData
	bss
	endBss
	noptrBss
	endNoptrBss
)

// address returns the address of one of the linker's symbols.
func address(which int) uintptr
