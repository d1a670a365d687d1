// Cgo is a program with goroutines that do not come back from C.
package main

/*
#include <unistd.h>
static volatile int n;
static void waits(void) { for (;;) pause(); }
static void spins(void) { for (;;) n++; }
*/
import "C"

import (
	"fmt"
	"time"
)

func waitInC() { C.waits() }

func spinInC() { C.spins() }

func main() {
	go waitInC()
	go spinInC()
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
