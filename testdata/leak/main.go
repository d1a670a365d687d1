// Program leak is armed, and has goroutines that nobody can ever wake beside
// some that only wait.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/go-manhole/lazy"
)

var reachable = make(chan int)

//go:noinline
func forgotten(c chan int) { c <- 1 }

//go:noinline
func patient(c chan int) { <-c }

func main() {
	if err := lazy.Arm(); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	for range 7 {
		go forgotten(make(chan int))
	}
	for range 5 {
		go patient(reachable)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	close(reachable)
}
