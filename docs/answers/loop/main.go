// Loop counts in a loop that the runtime cannot preempt, while something else
// wants to collect garbage: from then on no goroutine of it runs.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/go-manhole/lazy"
)

func main() {
	if !strings.Contains(os.Getenv("GODEBUG"), "asyncpreemptoff=1") {
		// Such loops are otherwise rare in Go: in assembly, and in C.
		exe, err := os.Executable()
		if err == nil {
			err = syscall.Exec(exe, os.Args, append(os.Environ(), "GODEBUG=asyncpreemptoff=1"))
		}
		fmt.Println(err)
		os.Exit(1)
	}
	if err := lazy.Arm(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(os.Getpid())
	go count()
	time.Sleep(100 * time.Millisecond)
	runtime.GC()
}

// count looks for a number that there is not.
func count() {
	for n := uint64(1); ; {
		n = n*6364136223846793005 + 2
		if n%2 == 0 {
			fmt.Println(n)
		}
	}
}
