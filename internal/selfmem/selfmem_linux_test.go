package selfmem

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

func TestRead(t *testing.T) {
	page := unix.Getpagesize()
	area, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(area)
	copy(area[page-8:], "12345678")
	if err := unix.Mprotect(area[page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	end := uint64(uintptr(unsafe.Pointer(&area[0]))) + uint64(page)
	for name, read := range map[string]func(b []byte, addresses []uint64, size int) (int, error){"ReadMany": ReadMany, "readFile": readFile} {
		b := make([]byte, 8)
		if n, err := read(b, []uint64{end - 4, end - 8}, 4); n != 8 || err != nil || string(b) != "56781234" {
			t.Errorf("%s: %d, %v, %q", name, n, err, b)
		}
		for _, wrong := range []uint64{0, 4096, end, 1 << 46, 1<<64 - 1, 1<<64 - 8} {
			if wrong == end && (name == "readFile" || lazytest.Emulated()) {
				continue // it reads what is protected, as a debugger does; an emulator has nothing else
			}
			if n, _ := read(b, []uint64{end - 4, wrong}, 4); n > 4 {
				t.Errorf("%s: %d bytes at %#x", name, n, wrong)
			}
			if n, _ := read(b, []uint64{wrong}, 8); n != 0 {
				t.Errorf("%s: %d bytes at %#x", name, n, wrong)
			}
		}
	}
	b := make([]byte, 4)
	if n, err := Read(b, end-8); n != 4 || err != nil || !bytes.Equal(b, []byte("1234")) {
		t.Errorf("%d, %v, %q", n, err, b)
	}
	if n, err := Read(nil, end); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
