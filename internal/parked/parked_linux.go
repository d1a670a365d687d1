//go:build (amd64 || arm64) && !go1.28

package parked

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Where fields of the runtime's g and sudog are: the same in Go 1.26 and 1.27, on
// amd64 and arm64. TestOffsets compares them with the debug information.
const (
	gStackHi = 8
	gSP      = 56  // sched.sp
	gSelf    = 72  // sched.g
	gStatus  = 144 // atomicstatus
	gID      = 152 // goid
	gWaiting = 320 // waiting
	gSize    = 328 // what is read of it

	sudogG       = 0
	sudogElem    = 32 // elem.vu
	sudogNext    = 72 // waitlink
	sudogChannel = 96 // c.vu
	sudogSize    = 104

	waiting = 4 // _Gwaiting
)

// bounds are set by the linker.
var bounds struct{ text, etext, bss, ebss uintptr }

// allgs is the address of the runtime's variable once it was found.
var allgs atomic.Uintptr

var (
	errHost   = errors.New("the runtime is that of the program that loaded this plugin or library")
	errAbsent = errors.New("the runtime's list of goroutines was not found")
)

// List returns the parked goroutines in the order of their ids, most of them if
// there are more. It reads nothing of what they wait for yet.
func List(most int) ([]Goroutine, error) {
	all, err := goroutines()
	if err != nil {
		return nil, err
	}
	list := make([]Goroutine, 0, min(len(all), most))
	const batch = 64
	buf := make([]byte, batch*gSize)
	for len(all) > 0 {
		some := all[:min(batch, len(all))]
		all = all[len(some):]
		if err := readMany(buf, some, gSize); err != nil {
			return nil, err
		}
		for i, address := range some {
			b := buf[i*gSize:][:gSize]
			if word(b, gSelf) == address && binary.LittleEndian.Uint32(b[gStatus:]) == waiting && len(list) < most {
				list = append(list, Goroutine{word(b, gID), address, word(b, gWaiting), word(b, gSP), word(b, gStackHi)})
			}
		}
	}
	slices.SortFunc(list, func(a, b Goroutine) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// Channels appends the addresses of the channels that the goroutine sends to,
// receives from or selects among, 64 at most.
func (g *Goroutine) Channels(buf []uint64) []uint64 {
	var b [sudogSize]byte
	sudog := g.waiting
	for range 64 {
		if sudog == 0 || read(b[:], sudog) < sudogSize || word(b[:], sudogG) != g.address {
			break
		}
		if c := word(b[:], sudogChannel); c != 0 {
			buf = append(buf, c)
		}
		sudog = word(b[:], sudogNext)
	}
	return buf
}

// Stack reads the words on the goroutine's stack, innermost first, into buf, which
// it may replace by a larger one. It reads 16 KiB at most.
func (g *Goroutine) Stack(buf []uint64) []uint64 {
	if g.sp == 0 || g.sp >= g.hi || g.sp%8 != 0 {
		return buf[:0]
	}
	n := int(min(g.hi-g.sp, maxStack) / 8)
	if cap(buf) < n {
		buf = make([]uint64, n)
	}
	buf = buf[:n]
	return buf[:read(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(buf))), 8*n), g.sp)/8]
}

// Semaphore returns the address of the semaphore that the goroutine waits for, or 0.
// stack is what Stack returned: the frame of runtime.semacquire1, near its top, has
// the address of a sudog that points back to the goroutine.
func (g *Goroutine) Semaphore(stack []uint64) uint64 {
	var b [sudogSize]byte
	for _, p := range stack[:min(len(stack), 64)] {
		if p < 4096 || p%8 != 0 || p >= g.sp && p < g.hi {
			continue
		}
		if read(b[:], p) == sudogSize && word(b[:], sudogG) == g.address && word(b[:], sudogChannel) == 0 {
			if e := word(b[:], sudogElem); e != 0 {
				return e
			}
		}
	}
	return 0
}

// goroutines returns the addresses of all that the runtime has, dead ones too.
func goroutines() ([]uint64, error) {
	at := uint64(allgs.Load())
	if at == 0 {
		return find()
	}
	// The three words may change one by one.
	for range 10 {
		var b, again [24]byte
		read(b[:], at)
		read(again[:], at)
		if b == again {
			return elements(word(b[:], 0), word(b[:], 8))
		}
	}
	return nil, errAbsent
}

// find looks among the variables for a slice of goroutines that has the calling one.
func find() ([]uint64, error) {
	// In a plugin the runtime is the host's, and so is the variable.
	if pc := reflect.ValueOf(runtime.GC).Pointer(); pc < bounds.text || pc >= bounds.etext {
		return nil, errHost
	}
	var text [64]byte
	number, _, _ := bytes.Cut(bytes.TrimPrefix(text[:runtime.Stack(text[:], false)], []byte("goroutine ")), []byte(" "))
	me, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		return nil, errAbsent
	}
	least := uint64(runtime.NumGoroutine())
	buf := make([]byte, 64<<10)
	for at := uint64(bounds.bss); at < uint64(bounds.ebss); at += uint64(len(buf)) - 24 {
		b := buf[:min(uint64(len(buf)), uint64(bounds.ebss)-at)]
		if n := read(b, at); n < len(b) {
			return nil, fmt.Errorf("process_vm_readv: %w", unix.EPERM)
		}
		for i := 0; i+24 <= len(b); i += 8 {
			p, n, room := word(b, i), word(b, i+8), word(b, i+16)
			if p < 4096 || p%8 != 0 || n < least || n > room || room > 1<<28 {
				continue
			}
			if isGoroutine(p, me, n) {
				allgs.Store(uintptr(at) + uintptr(i))
				return elements(p, n)
			}
		}
	}
	return nil, errAbsent
}

// isGoroutine reports whether there are n goroutines, of which one has the id, at p.
func isGoroutine(p, id, n uint64) bool {
	var first [8]byte
	if read(first[:], p) < 8 {
		return false
	}
	var g [gSize]byte
	if a := word(first[:], 0); a < 4096 || read(g[:], a) < gSize || word(g[:], gSelf) != a {
		return false
	}
	list, err := elements(p, n)
	if err != nil {
		return false
	}
	for i := len(list) - 1; i >= 0; i-- { // a new one is at the end
		if read(g[:], list[i]) < gSize || word(g[:], gSelf) != list[i] {
			return false
		}
		if word(g[:], gID) == id {
			return true
		}
	}
	return false
}

func elements(p, n uint64) ([]uint64, error) {
	list := make([]uint64, n)
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(list))), 8*len(list))
	if read(b, p) < len(b) {
		return nil, errAbsent
	}
	return list, nil
}

func word(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// read returns how many bytes it read.
func read(b []byte, address uint64) int {
	if len(b) == 0 {
		return 0
	}
	local := unix.Iovec{Base: &b[0]}
	local.SetLen(len(b))
	n, err := unix.ProcessVMReadv(os.Getpid(), []unix.Iovec{local}, []unix.RemoteIovec{{Base: uintptr(address), Len: len(b)}}, 0)
	if err != nil {
		return 0
	}
	return n
}

// readMany reads size bytes at each address, one behind the other.
func readMany(b []byte, addresses []uint64, size int) error {
	local := unix.Iovec{Base: &b[0]}
	local.SetLen(size * len(addresses))
	remote := make([]unix.RemoteIovec, len(addresses))
	for i, a := range addresses {
		remote[i] = unix.RemoteIovec{Base: uintptr(a), Len: size}
	}
	n, err := unix.ProcessVMReadv(os.Getpid(), []unix.Iovec{local}, remote, 0)
	if err != nil {
		return fmt.Errorf("process_vm_readv: %w", err)
	}
	if n < size*len(addresses) {
		return errAbsent
	}
	return nil
}
