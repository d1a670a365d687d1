// Wedged is an armed program whose scheduler is dead: with
// GODEBUG=asyncpreemptoff=1 a loop does not let go, and a collection of garbage
// waits for it.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/go-manhole/lazy"
)

type job struct {
	Name string
	Size int
}

var (
	jobs = map[string]*job{"nightly": {"nightly", 3}}
	mu   sync.Mutex
)

//go:noinline
func crunch(j *job) int {
	n := j.Size
	for i := 0; ; i += n {
		n ^= i
		if i == 0 && n == 0 {
			return i
		}
	}
}

func queue() {
	mu.Lock()
	mu.Lock()
}

func main() {
	if err := lazy.Arm(); err != nil {
		fmt.Println("error:", err)
		return
	}
	for range 5 {
		go queue()
	}
	time.Sleep(100 * time.Millisecond)
	fmt.Println("ready")
	go func() {
		time.Sleep(100 * time.Millisecond)
		runtime.GC()
	}()
	fmt.Println(crunch(jobs["nightly"]))
}
