// Holder is an armed program with variables of all kinds, for the tests.
package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

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
		&huge, &aShape, &noShape, &anything, &synced, &buffered, &count, &closure, &options, &onHeap, &complete, &array, &at}
}

//go:noinline
func serve(id int, name string, wait chan string) {
	local := fmt.Sprint(name, id)
	p := &pair[string, int]{local, id}
	defer fmt.Fprintln(io.Discard, local, id, name)
	p.wait(wait)
}

//go:noinline
func spin(n int) {
	for x := n; ; x++ {
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
	if len(os.Args) > 2 {
		go spin(3)
	}
	lazy.Arm(lazy.WithPath(os.Args[1]))
	fmt.Fprintln(io.Discard, used()...)
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
