//go:build (amd64 || arm64) && !go1.28

package parked

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"reflect"
	"runtime"
	"strconv"
	"sync/atomic"
	"unsafe"

	"github.com/go-manhole/lazy/internal/order"
	"github.com/go-manhole/lazy/internal/selfmem"
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
	errRefused = errors.New("this process may not read its memory")
	errHost    = errors.New("the runtime is that of the program that loaded this plugin or library")
	errAbsent  = errors.New("the runtime's list of goroutines was not found")
)

// batch is how much is read at once.
const batch = 64

// List returns the parked goroutines in the order of their ids, most of them if
// there are more.
func List(most int) ([]Goroutine, error) {
	all, err := goroutines()
	if err != nil {
		return nil, err
	}
	var list []Goroutine
	buf := make([]byte, batch*gSize)
	sudogs := make([]uint64, 0, batch) // of the goroutines of a batch that have one
	for i := uint64(0); i < all.n && len(list) < most; i += batch {
		some := all.part(i)
		readMany(buf, some, gSize)
		first := len(list)
		sudogs = sudogs[:0]
		for i, address := range some {
			b := buf[i*gSize:][:gSize]
			if word(b, gSelf) == address && binary.LittleEndian.Uint32(b[gStatus:]) == waiting {
				g := Goroutine{ID: word(b, gID), address: address, next: word(b, gWaiting), sp: word(b, gSP), hi: word(b, gStackHi)}
				list = append(list, g)
				if g.next != 0 {
					sudogs = append(sudogs, g.next)
				}
			}
		}
		readMany(buf, sudogs, sudogSize)
		at := 0
		for i := first; i < len(list); i++ {
			if g := &list[i]; g.next != 0 {
				g.take(buf[at*sudogSize:][:sudogSize])
				at++
			}
		}
	}
	order.Sort(list, func(a, b Goroutine) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// take takes over the first channel from a sudog.
func (g *Goroutine) take(b []byte) {
	g.next = 0
	if word(b, sudogG) == g.address {
		g.channel, g.next = word(b, sudogChannel), word(b, sudogNext)
	}
}

// Channels appends the addresses of the channels that the goroutine sends to,
// receives from or selects among, 64 at most.
func (g *Goroutine) Channels(buf []uint64) []uint64 {
	if g.channel != 0 {
		buf = append(buf, g.channel)
	}
	var b [sudogSize]byte
	sudog := g.next
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

// A table is the runtime's list of goroutines, dead ones too: n addresses at p.
type table struct{ p, n uint64 }

// part returns up to batch addresses from the i-th on.
func (t table) part(i uint64) []uint64 {
	part := make([]uint64, min(batch, t.n-i))
	n := read(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(part))), 8*len(part)), t.p+8*i)
	return part[:n/8]
}

// goroutines returns the list.
func goroutines() (table, error) {
	at := uint64(allgs.Load())
	if at == 0 {
		return find()
	}
	// The words change one by one.
	for range 10 {
		var b, again [24]byte
		read(b[:], at)
		read(again[:], at)
		if n := word(b[:], 8); b == again && n > 0 && n < maxTable {
			return table{word(b[:], 0), n}, nil
		}
	}
	return table{}, errAbsent
}

const (
	maxTable    = 1 << 28
	maxSearched = 64 << 20 // bytes of variables; the linker puts the small ones first
)

// find looks among the variables for a slice of goroutines that has the calling one.
func find() (table, error) {
	// In a plugin the runtime is the host's, and so is the variable.
	if pc := reflect.ValueOf(runtime.GC).Pointer(); pc < bounds.text || pc >= bounds.etext {
		return table{}, errHost
	}
	var text [64]byte
	number, _, _ := bytes.Cut(bytes.TrimPrefix(text[:runtime.Stack(text[:], false)], []byte("goroutine ")), []byte(" "))
	me, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		return table{}, errAbsent
	}
	least := uint64(runtime.NumGoroutine())
	buf := make([]byte, 64<<10)
	end := min(uint64(bounds.ebss), uint64(bounds.bss)+maxSearched)
	for at := uint64(bounds.bss); at < end; at += uint64(len(buf)) - 16 {
		b := buf[:min(uint64(len(buf)), end-at)]
		if n := read(b, at); n < len(b) {
			return table{}, errRefused
		}
		for i := 0; i+24 <= len(b); i += 8 {
			t, room := table{word(b, i), word(b, i+8)}, word(b, i+16)
			if t.p < 4096 || t.p%8 != 0 || t.n < least || t.n > room || room > maxTable {
				continue
			}
			if t.has(me) {
				allgs.Store(uintptr(at) + uintptr(i))
				return t, nil
			}
		}
	}
	return table{}, errAbsent
}

// has reports whether it is a list of goroutines, of which one has the id.
func (t table) has(id uint64) bool {
	var g [gSize]byte
	is := func(address uint64) bool {
		return address >= 4096 && read(g[:], address) == gSize && word(g[:], gSelf) == address
	}
	if first := t.part(0); len(first) == 0 || !is(first[0]) {
		return false
	}
	for i := uint64(0); i < t.n; i += batch {
		for _, address := range t.part(i) {
			if !is(address) {
				return false
			}
			if word(g[:], gID) == id {
				return true
			}
		}
	}
	return false
}

func word(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// read returns how many bytes it read.
func read(b []byte, address uint64) int {
	n, _ := selfmem.Read(b, address)
	return n
}

// readMany reads size bytes at each address, one behind the other: zeros where there
// is nothing to read.
func readMany(b []byte, addresses []uint64, size int) {
	if n, _ := selfmem.ReadMany(b, addresses, size); n == size*len(addresses) {
		return
	}
	for i, a := range addresses {
		if part := b[i*size:][:size]; read(part, a) < size {
			clear(part)
		}
	}
}
