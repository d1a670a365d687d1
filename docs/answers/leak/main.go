// Leak sells tickets, and leaks a goroutine for each that is sold.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/go-manhole/lazy"
)

func main() {
	if err := lazy.Arm(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(os.Getpid())
	for {
		sell()
		time.Sleep(20 * time.Millisecond)
	}
}

func sell() {
	paid := make(chan bool)
	go printTicket(paid)
	select {
	case <-paid:
	case <-time.After(time.Millisecond): // and nobody receives any more
	}
}

func printTicket(paid chan<- bool) {
	time.Sleep(5 * time.Millisecond)
	paid <- true
}
