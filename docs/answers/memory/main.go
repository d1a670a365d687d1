// Memory has 64 MB of pictures, which is as it should be, and keeps a session of
// every visitor, which is not.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/go-manhole/lazy"
)

type session struct{ history [64 << 10]byte }

var (
	pictures [][]byte
	sessions = map[int]*session{}
)

func main() {
	if err := lazy.Arm(); err != nil {
		fmt.Println(err)
	}
	loadPictures()
	fmt.Println(os.Getpid())
	for visitor := 0; ; visitor++ {
		visit(visitor)
		time.Sleep(5 * time.Millisecond)
	}
}

func loadPictures() {
	for range 64 {
		pictures = append(pictures, make([]byte, 1<<20))
	}
}

func visit(visitor int) {
	sessions[visitor] = newSession()
	renderPage()
}

// renderPage needs memory as well, but does not keep it.
//
//go:noinline
func renderPage() int { return len(make([]byte, 1<<20)) }

//go:noinline
func newSession() *session { return new(session) }
