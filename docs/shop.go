//go:build ignore

// Shop is the small armed program of the examples in these pages. It prints its
// PID, packs orders, and leaks a goroutine for each:
//
//	go build -o shop docs/shop.go && ./shop
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"github.com/go-manhole/lazy"
)

var (
	orders   = make(chan int, 100)
	receipts = make(chan int) // nobody receives
	till     sync.Mutex
)

func main() {
	if err := lazy.Arm(); err != nil {
		log.Print(err) // the program runs on without it
	}
	lazy.Handle("queues", "how full the queues are", queues)
	fmt.Println(os.Getpid())
	go listen()
	for range 4 {
		go packOrders()
	}
	for n := 0; ; n++ {
		orders <- n
		if n%4 == 3 { // they come four at a time
			time.Sleep(400 * time.Millisecond)
		}
	}
}

// queues is a command that the console gets from the program.
func queues(ctx context.Context, w io.Writer, args []string) error {
	_, err := fmt.Fprintf(w, "orders: %d of %d\n", len(orders), cap(orders))
	return err
}

func listen() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		conn.Close()
	}
}

func packOrders() {
	for n := range orders {
		pay(n)
		log.Printf("order %d: packed", n)
		go printReceipt(n)
	}
}

func pay(n int) {
	till.Lock()
	defer till.Unlock()
	for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
		sha256.Sum256(make([]byte, 1024))
	}
}

func printReceipt(n int) { receipts <- n }
