// Command states parks goroutines in the typical states and writes what the
// running Go release says about them, for the tests of package stackdump:
//
//	full.txt      runtime.Stack(buf, true)
//	grouped.txt   the goroutine profile, debug=1
//	symbols.txt   pc, function, line less the function's first line, line, file
//	              of every PC in grouped.txt, one a line, separated by tabs
//
// Usage: states DIR [WAIT]
//
// With WAIT, such as 3m, it collects garbage, from when on the runtime counts, and
// waits so long before it looks.
package main

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

type queue[T any] struct{ c chan T }

func (q *queue[T]) take() T { return <-q.c }

func deep(n int, c chan int) int {
	if n == 0 {
		return <-c
	}
	return deep(n-1, c) + 1
}

func start() {
	c := make(chan int)
	for range 3 {
		go func() { <-c }()
	}
	go func() { c := make(chan int); c <- 1 }()
	go func() { var c chan int; <-c }()
	go func() { var c chan int; c <- 1 }()
	go func() { select {} }()
	go func() {
		select {
		case <-c:
		case make(chan int) <- 1:
		}
	}()
	go time.Sleep(time.Hour)
	go (&queue[string]{make(chan string)}).take()
	go deep(300, c)

	var m sync.Mutex
	m.Lock()
	go m.Lock()
	var r sync.RWMutex
	r.Lock()
	go r.RLock()
	var r2 sync.RWMutex
	r2.RLock()
	go r2.Lock()
	var w sync.WaitGroup
	w.Add(1)
	go w.Wait()
	cond := sync.NewCond(new(sync.Mutex))
	go func() { cond.L.Lock(); cond.Wait() }()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go l.Accept()
	var p [2]int
	if err := syscall.Pipe(p[:]); err != nil {
		log.Fatal(err)
	}
	go syscall.Read(p[0], make([]byte, 1))
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)

	go func() {
		next, _ := iter.Pull(func(yield func(int) bool) { yield(1); <-c })
		next()
		<-c
	}()
	go func() { runtime.LockOSThread(); <-c }()
	go pprof.Do(context.Background(), pprof.Labels("tenant", "blue", "say", `a "word", {so}`), func(context.Context) { <-c })
	go pprof.Do(context.Background(), pprof.Labels("tenant", "red"), func(context.Context) { <-c })
	go func() {
		defer func() { <-c }()
		panic("kept waiting in a deferred call")
	}()
	go func() {
		for {
		}
	}()
	settle()
}

// settle returns when every goroutine has got to where it stays.
func settle() {
	going := regexp.MustCompile(`(?m)^goroutine \d+ \[runnable.*\]:\nmain\.start\.`)
	buf := make([]byte, 1<<20)
	for {
		time.Sleep(100 * time.Millisecond)
		unsettled := len(going.FindAll(buf[:runtime.Stack(buf, true)], -1))
		if unsettled <= 1 { // the one that never waits
			return
		}
	}
}

func main() {
	dir := os.Args[1]
	start()
	if len(os.Args) > 2 {
		wait, err := time.ParseDuration(os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		runtime.GC()
		time.Sleep(wait)
	}

	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		log.Fatal(err)
	}

	var symbols bytes.Buffer
	seen := map[string]bool{}
	for _, line := range strings.Split(profile.String(), "\n") {
		_, pcs, ok := strings.Cut(line, " @ ")
		if !ok {
			continue
		}
		for _, pc := range strings.Fields(pcs) {
			if seen[pc] {
				continue
			}
			seen[pc] = true
			n, err := strconv.ParseUint(pc, 0, 64)
			if err != nil {
				log.Fatal(err)
			}
			frames := runtime.CallersFrames([]uintptr{uintptr(n)})
			for {
				f, more := frames.Next()
				offset := -1
				if f.Func != nil {
					_, first := f.Func.FileLine(f.Entry)
					offset = f.Line - first
				}
				fmt.Fprintf(&symbols, "%s\t%s\t%d\t%d\t%s\n", pc, f.Function, offset, f.Line, f.File)
				if !more {
					break
				}
			}
		}
	}

	// Where Go and this program happen to be installed is nobody's business.
	root := regexp.MustCompile(regexp.QuoteMeta(runtime.GOROOT()) + `/`)
	_, here, _, _ := runtime.Caller(0)
	own := regexp.MustCompile(regexp.QuoteMeta(filepath.Dir(here)) + `/`)
	for name, b := range map[string][]byte{"full.txt": buf, "grouped.txt": profile.Bytes(), "symbols.txt": symbols.Bytes()} {
		b = root.ReplaceAll(b, []byte("/usr/local/go/"))
		b = own.ReplaceAll(b, []byte("/src/states/"))
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
