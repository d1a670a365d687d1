package symbols

import (
	"bytes"
	"os"
	"testing"
)

func FuzzFind(f *testing.F) {
	if b, err := os.ReadFile("/bin/true"); err == nil && len(b) < 1<<20 {
		f.Add(b, uint64(0x4000))
	}
	head := make([]byte, 64+2*64+48)
	copy(head, "\x7fELF\x02\x01")
	head[40], head[58], head[60] = 64, 64, 2
	f.Add(head, uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, address uint64) {
		find(bytes.NewReader(b), func(uint64) uint64 { return 0 }, []uint64{address, address, address + 8}, func(a uint64, name string) {
			if name == "" || len(name) > maxName+21 || a != address && a != address+8 {
				t.Errorf("%q at %#x", name, a)
			}
		})
	})
}
