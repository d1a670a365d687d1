package pollfd

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"unsafe"

	"github.com/go-manhole/lazy/internal/selfmem"
	"golang.org/x/sys/unix"
)

var errLayout = errors.New("this release of Go keeps descriptors elsewhere")

// A Reader finds descriptors. The zero value is ready to use.
type Reader struct {
	offset uintptr // of the descriptor in a poll.FD
	opened bool
	err    error
}

// Open makes r ready. Its error is why descriptors are not known.
func (r *Reader) Open() error {
	if r.opened {
		return r.err
	}
	r.opened = true
	var ok bool
	if r.offset, ok = sysfd(); !ok {
		r.err = errLayout
		return r.err
	}
	var b [unsafe.Sizeof(*r)]byte
	if n, err := selfmem.Read(b[:], uint64(uintptr(unsafe.Pointer(r)))); err != nil || n < len(b) {
		r.err = fmt.Errorf("this process may not read its memory: %w", err)
	}
	return r.err
}

// FD returns the descriptor of the internal/poll.FD at an address, or false if
// there is none, such as when it was closed since.
func (r *Reader) FD(at uint64) (fd int, ok bool) {
	if r.Open() != nil || at == 0 || uint64(uintptr(at)) != at {
		return 0, false
	}
	var word [unsafe.Sizeof(uintptr(0))]byte
	if n, _ := selfmem.Read(word[:], at+uint64(r.offset)); n < len(word) {
		return 0, false
	}
	return Opened(*(*uintptr)(unsafe.Pointer(&word)))
}

// Opened reports whether a word is the number of an open descriptor.
func Opened(word uintptr) (fd int, ok bool) {
	if word > 1<<30 {
		return 0, false
	}
	_, err := unix.FcntlInt(word, unix.F_GETFD, 0)
	return int(word), err == nil
}

// sysfd returns where in an internal/poll.FD the descriptor is. os.File has one,
// so that reflection shows its type, and nothing need be assumed.
func sysfd() (offset uintptr, ok bool) {
	file, ok := reflect.TypeFor[os.File]().FieldByName("file")
	if !ok || file.Type.Kind() != reflect.Pointer || file.Type.Elem().Kind() != reflect.Struct {
		return 0, false
	}
	pfd, ok := file.Type.Elem().FieldByName("pfd")
	if !ok || pfd.Type.Kind() != reflect.Struct {
		return 0, false
	}
	field, ok := pfd.Type.FieldByName("Sysfd")
	return field.Offset, ok && field.Type.Kind() == reflect.Int
}
