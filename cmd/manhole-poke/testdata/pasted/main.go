// Pasted is the program on which the examples of help and documentation are run.
// It has what they name, and ends with its standard input.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/go-manhole/lazy"
	_ "github.com/go-manhole/lazy/expvars"
)

type session struct{ since time.Time }

var (
	verbose  bool
	timeout               = time.Second
	config                = map[string]string{"listen": ":80"}
	handler  http.Handler = http.NotFoundHandler()
	sessions              = map[string]*session{"alice": {time.Now()}}
	till                  = make(chan int)
)

//go:noinline
func serve(request *http.Request) {
	<-till
	fmt.Println(request.Header)
}

func main() {
	lazy.Handle("queues", "how full the queues are", func(_ context.Context, w io.Writer, _ []string) error {
		_, err := fmt.Fprintln(w, "orders: 0 of 100", verbose, timeout, config, handler, sessions)
		return err
	})
	if err := lazy.Arm(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for range 20 {
		go serve(&http.Request{Header: http.Header{"A": {"b"}}})
	}
	go func() {
		for { // an idle process takes its time to notice the signal
			time.Sleep(time.Millisecond)
		}
	}()
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
