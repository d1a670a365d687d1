package symbols

import (
	"encoding/binary"
	"os"
)

// Find calls visit with the name of the package variable at each of the addresses,
// which are sorted, if it is one: "main.orders", or "main.shop+16" in the middle of
// one. There are none in a stripped executable.
func Find(addresses []uint64, visit func(address uint64, name string)) error {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer f.Close()
	return find(f, func(entry uint64) uint64 { return loadedEntry(entry) - entry }, addresses, visit)
}

// loadedEntry returns where the entry point of the executable is in memory, as the
// kernel says; entry if it does not.
func loadedEntry(entry uint64) uint64 {
	const atEntry = 9 // AT_ENTRY
	b, _ := os.ReadFile("/proc/self/auxv")
	for ; len(b) >= 16; b = b[16:] {
		if binary.NativeEndian.Uint64(b) == atEntry {
			return binary.NativeEndian.Uint64(b[8:])
		}
	}
	return entry
}
