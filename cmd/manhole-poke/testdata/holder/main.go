// Holder is an armed program with variables of all kinds, for the tests.
package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/go-manhole/lazy"
)

type node struct {
	name string
	next *node
}

type pair[K comparable, V any] struct {
	key K
	val V
}

func (p *pair[K, V]) wait(c chan K) (got K) {
	k := p.key
	got = <-c
	fmt.Fprintln(io.Discard, k, p.val)
	return got
}

type shape interface{ area() float64 }

type square struct{ side float64 }

func (s *square) area() float64 { return s.side * s.side }

type flags struct {
	debug bool
	depth int8
}

const limit = 1 << 20

var (
	verbose  bool
	level            = slog.LevelInfo
	small    int8    = 5
	large    uint64  = 1<<63 + 5
	ratio            = 1.5
	narrow   float32 = 0.25
	timeout          = 5 * time.Second
	greeting         = "hello\x1b[2J\u202e"
	bytes            = "\xff\xfe"
	ring             = &node{name: "a"}
	pairs            = []pair[string, int]{{"one", 1}, {"two", 2}}
	sessions         = map[string]*node{"alice": {name: "al"}, "with blank": {name: "b"}}
	many             = map[int]string{}
	huge             = make([]int, 10_000_000)
	aShape   shape
	noShape  shape
	anything any = 7
	synced   sync.Map
	buffered = make(chan int, 4)
	count    atomic.Int64
	ticks    int
	closure  func() int
	options  flags
	onHeap   = new(flags)
	complete = complex(1, 2)
	array    = [3]int{1, 2, 3}
	at       = time.Unix(1700000000, 0).UTC()
)

// used keeps the linker from leaving out variables.
func used() []any {
	return []any{&verbose, &level, &small, &large, &ratio, &narrow, &timeout, &greeting, &bytes, &ring, &pairs, &sessions, &many,
		&huge, &aShape, &noShape, &anything, &synced, &buffered, &count, &closure, &options, &onHeap, &complete, &array, &at,
		&endlessString, &endlessSlice, &endlessStrings, &endlessMap, &deepMap, &noMap, &noType, &noTable, &noChannel, &noFunction}
}

//go:noinline
func serve(id int, name string, wait chan string) {
	local := fmt.Sprint(name, id)
	p := &pair[string, int]{local, id}
	defer fmt.Fprintln(io.Discard, local, id, name)
	p.wait(wait)
}

var (
	endlessString        = "x"
	endlessSlice         = []byte("x")
	endlessStrings       = []string{"x"}
	endlessMap           = map[int]int{}
	deepMap              = map[int]int{}
	noMap                = map[int]int{}
	noType         any   = 1
	noTable        shape = &square{}
	noChannel            = make(chan int, 1)
	noFunction           = func() {}
)

// spoil makes values what no program makes of them. Nothing uses them.
func spoil() {
	word := func(p unsafe.Pointer, i uintptr) *uintptr { return (*uintptr)(unsafe.Add(p, 8*i)) }
	*word(unsafe.Pointer(&endlessString), 1) = 1 << 62
	*word(unsafe.Pointer(&endlessSlice), 1) = 1 << 62
	*word(unsafe.Pointer(&endlessStrings), 1) = 1 << 61
	for i := range 10_000 {
		endlessMap[i], deepMap[i] = i, i
	}
	// See internal/runtime/maps.Map: used, seed, dirPtr, dirLen, globalDepth.
	m := *(*unsafe.Pointer)(unsafe.Pointer(&endlessMap))
	*word(m, 0), *word(m, 3) = 1<<60, 1<<60
	m = *(*unsafe.Pointer)(unsafe.Pointer(&deepMap))
	*(*uint8)(unsafe.Add(m, 32)) = 63
	*word(*(*unsafe.Pointer)(unsafe.Pointer(&noMap)), 2) = 1
	*word(unsafe.Pointer(&noType), 0) = 3
	*word(unsafe.Pointer(&noTable), 0) = 3
	*word(*(*unsafe.Pointer)(unsafe.Pointer(&noChannel)), 1) = 1 << 60
	*word(unsafe.Pointer(&noFunction), 0) = 5
	debug.SetGCPercent(-1)
}

//go:noinline
func spin(n int) {
	for x := n; ; x++ {
		ticks++
		if x == -1 {
			println(x)
		}
	}
}

func main() {
	ring.next = &node{name: "b", next: ring}
	for i := range 1000 {
		many[i] = strconv.Itoa(i)
	}
	synced.Store("key", 1)
	buffered <- 1
	buffered <- 2
	count.Store(42)
	aShape = &square{float64(len(os.Args))}
	captured := 9
	closure = func() int { captured++; return captured }
	go serve(7, "bob", make(chan string))
	if len(os.Args) > 2 && os.Args[2] == "spin" {
		go spin(3)
	}
	if len(os.Args) > 2 && os.Args[2] == "hostile" {
		spoil()
	}
	o := []lazy.Option{lazy.WithPath(os.Args[1])}
	if len(os.Args) > 2 && os.Args[2] == "read-only" {
		o = append(o, lazy.WithReadOnly())
	}
	lazy.Arm(o...)
	runtime.KeepAlive(used())
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
