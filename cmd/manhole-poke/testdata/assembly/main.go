// Assembly is a program whose world cannot be stopped: a loop in assembly does
// not let go.
package main

import (
	"fmt"
	"runtime"
	"time"
)

func forever()

func work() { forever() }

func main() {
	fmt.Println("ready")
	go func() {
		time.Sleep(100 * time.Millisecond)
		runtime.GC()
	}()
	work()
}
