// Deadlock is an armed program whose goroutines wait for each other, in the ways that
// the words of its command line name. It prints "ready" once they do.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-manhole/lazy"
)

type account struct {
	balance int
	mu      sync.Mutex
}

// transfer locks two accounts in the order of its arguments.
func (a *account) transfer(to *account, both *sync.WaitGroup) {
	a.mu.Lock()
	defer a.mu.Unlock()
	both.Done()
	both.Wait()
	to.mu.Lock()
	defer to.mu.Unlock()
	a.balance--
	to.balance++
}

func methods() {
	a, b := new(account), new(account)
	var both sync.WaitGroup
	both.Add(2)
	go a.transfer(b, &both)
	go b.transfer(a, &both)
}

var (
	orders, stock sync.Mutex
	begun         sync.WaitGroup
)

func order() {
	orders.Lock()
	defer orders.Unlock()
	begun.Done()
	begun.Wait()
	stock.Lock()
	defer stock.Unlock()
}

func restock() {
	stock.Lock()
	defer stock.Unlock()
	begun.Done()
	begun.Wait()
	orders.Lock()
	defer orders.Unlock()
}

func variables() {
	begun.Add(2)
	go order()
	go restock()
}

// send sends to a channel that nobody reads.
func send(c chan int) { c <- 1 }

func senders() {
	c := make(chan int)
	for range 50 {
		go send(c)
	}
}

// read holds the lock until c is closed.
func read(rw *sync.RWMutex, c chan bool, locked *sync.WaitGroup) {
	rw.RLock()
	defer rw.RUnlock()
	locked.Done()
	<-c
}

func write(rw *sync.RWMutex) {
	rw.Lock()
	defer rw.Unlock()
}

func readers() {
	var rw sync.RWMutex
	var locked sync.WaitGroup
	locked.Add(2)
	c := make(chan bool)
	go read(&rw, c, &locked)
	go read(&rw, c, &locked)
	locked.Wait()
	go write(&rw)
}

func join(wg *sync.WaitGroup) { wg.Wait() }

func group() {
	var wg sync.WaitGroup
	wg.Add(1)
	go join(&wg)
	go func() {
		defer wg.Done()
		time.Sleep(time.Hour)
	}()
}

// busy locks two locks one after the other, again and again: no deadlock.
func busy() {
	var a, b sync.Mutex
	for range 20 {
		go func() {
			for {
				lockOne(&a)
				lockOne(&b)
			}
		}()
	}
}

func lockOne(mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
	time.Sleep(time.Millisecond)
}

var ways = map[string]func(){
	"methods": methods, "variables": variables, "senders": senders, "readers": readers, "group": group, "busy": busy,
}

// waiting reports whether nobody runs but the caller, apart from those of busy.
func waiting() bool {
	buf := make([]byte, 1<<20)
	text := string(buf[:runtime.Stack(buf, true)])
	return !strings.Contains(text, " [runnable") && strings.Count(text, " [running") == 1
}

func main() {
	if err := lazy.Arm(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, way := range os.Args[1:] {
		ways[way]()
	}
	for !waiting() {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("ready")
	select {}
}
