//go:build linux || darwin || freebsd

package main

import (
	"crypto/sha256"
	"io"
	"net"
	"sync"
	"time"

	"github.com/go-manhole/lazy"
)

// demoArmed is what the demo's program prints when it is armed.
const demoArmed = "armed\n"

// demoProgram is the program that demo looks into: a small shop with goroutines
// in the common states, and a leak. It runs until its input ends, and prints
// demoArmed when it is armed.
func demoProgram(in io.Reader, out io.Writer) error {
	openShop()
	if err := lazy.Arm(); err != nil {
		return err
	}
	defer lazy.Disarm()
	if _, err := io.WriteString(out, demoArmed); err != nil {
		return err
	}
	in.Read(make([]byte, 1)) // nothing ever comes but the end
	return nil
}

func openShop() {
	orders, parcels, quit := make(chan int), make(chan int), make(chan struct{})
	for range 4 {
		go packOrders(orders)
	}
	for n := range 3 {
		go shipParcel(parcels, n)
	}
	for range 2 {
		go tendDesk(parcels, quit)
	}
	till := new(sync.Mutex)
	till.Lock() // for good: those who wait below are deadlocked
	for range 3 {
		go payAtTill(till)
	}
	shelves := new(sync.RWMutex)
	shelves.Lock()
	go readShelves(shelves)
	doors := sync.NewCond(new(sync.Mutex))
	go waitForDoors(doors)
	staff := new(sync.WaitGroup)
	staff.Add(1)
	go waitForStaff(staff)
	go countStock()
	go cleanFloor()
	// Without a network, as in some sandboxes, the shop has no telephone.
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		go answerTelephone(l)
		go callShop(l.Addr())
	}
	go leakReceipts()
}

func packOrders(orders <-chan int) {
	for range orders {
	}
}

// shipParcel blocks in send: the desks take from another channel by mistake.
func shipParcel(parcels chan<- int, n int) {
	lost := make(chan int)
	lost <- n
	parcels <- n
}

func tendDesk(parcels <-chan int, quit <-chan struct{}) {
	for {
		select {
		case <-parcels:
		case <-quit:
			return
		}
	}
}

func payAtTill(till *sync.Mutex) {
	till.Lock()
	defer till.Unlock()
}

func readShelves(shelves *sync.RWMutex) {
	shelves.RLock()
	defer shelves.RUnlock()
}

func waitForDoors(doors *sync.Cond) {
	doors.L.Lock()
	defer doors.L.Unlock()
	for {
		doors.Wait()
	}
}

func waitForStaff(staff *sync.WaitGroup) { staff.Wait() }

func cleanFloor() {
	for {
		time.Sleep(time.Hour)
	}
}

// countStock is sometimes caught running.
func countStock() {
	sum := make([]byte, 64<<10)
	for {
		s := sha256.Sum256(sum)
		copy(sum, s[:])
		time.Sleep(10 * time.Millisecond)
	}
}

func answerTelephone(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go listen(c)
	}
}

func listen(c net.Conn) {
	defer c.Close()
	c.Read(make([]byte, 1)) // nobody ever speaks
}

func callShop(shop net.Addr) {
	c, err := net.Dial(shop.Network(), shop.String())
	if err != nil {
		return
	}
	listen(c)
}

// leakReceipts leaves a goroutine behind for every receipt, because nobody
// looks after the printer: a few at once, so that there is something to see,
// then ten a second, up to a number that does no harm.
func leakReceipts() {
	for n := range 10_000 {
		go printReceipt(make(chan bool))
		if n >= 20 {
			time.Sleep(100 * time.Millisecond)
		}
	}
}

func printReceipt(printed chan<- bool) { printed <- true }
