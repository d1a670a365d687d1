// Deadlock moves money between two accounts, and locks them in two orders. Others
// then wait for either.
package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/go-manhole/lazy"
)

type account struct {
	mu      sync.Mutex
	balance int
}

var savings, checking account

func main() {
	if err := lazy.Arm(); err != nil {
		fmt.Println(err)
	}
	go deposit()
	go withdraw()
	time.Sleep(100 * time.Millisecond)
	for range 50 {
		go report()
	}
	fmt.Println(os.Getpid())
	for {
		time.Sleep(time.Hour)
	}
}

func deposit() {
	savings.mu.Lock()
	defer savings.mu.Unlock()
	time.Sleep(50 * time.Millisecond)
	checking.mu.Lock()
	defer checking.mu.Unlock()
	savings.balance, checking.balance = savings.balance+1, checking.balance-1
}

func withdraw() {
	checking.mu.Lock()
	defer checking.mu.Unlock()
	time.Sleep(50 * time.Millisecond)
	savings.mu.Lock()
	defer savings.mu.Unlock()
	savings.balance, checking.balance = savings.balance-1, checking.balance+1
}

func report() {
	savings.mu.Lock()
	defer savings.mu.Unlock()
	fmt.Println(savings.balance)
}
