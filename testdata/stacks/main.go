// Program stacks is armed, and has goroutines that are hard to tell apart: of two
// queues with the same deep recursion, in an idle HTTP server and its client, and
// started by a goroutine that ended. Each line of its input starts one more that
// waits.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/go-manhole/lazy"
)

var (
	never = make(chan int)
	deep  sync.WaitGroup // to be as deep as they get
)

//go:noinline
func descend(n int) int {
	if n == 0 {
		deep.Done()
		return <-never
	}
	return descend(n-1) + 1
}

//go:noinline
func orders() int { return descend(200) + 1 }

//go:noinline
func refunds() int { return descend(200) + 1 }

//go:noinline
func parked() { <-never }

//go:noinline
func starter(started chan<- bool) {
	go parked()
	close(started)
}

func main() {
	if err := lazy.Arm(); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	deep.Add(1000)
	for range 500 {
		go orders()
		go refunds()
	}
	deep.Wait()
	started := make(chan bool)
	go starter(started)
	<-started
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	go http.Serve(l, http.NotFoundHandler())
	answer, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		go parked()
		fmt.Println("started")
	}
}
