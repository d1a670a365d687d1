// This program, or library, arms lazy, rings itself and prints what a session
// answers. TestBuildModes builds it in each mode that go build has.
package main

import "C"

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/go-manhole/lazy"
)

//export Main
func Main() {
	// In a program of C the runtime handles the signal only once it is asked for.
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR2)
	if err := lazy.Arm(); err != nil {
		fmt.Println("error:", err)
		return
	}
	// The socket is there a moment before it listens: __SO_ACCEPTCON, proc_net_unix(5).
	const session = `kill -USR2 $PPID; for i in $(seq 3000); do grep -q " 00010000 .* /tmp/manhole-$PPID$" /proc/net/unix && break; sleep 0.02; done
		echo stats | nc -N -U /tmp/manhole-$PPID
		for i in $(seq 3000); do test -e /tmp/manhole-$PPID || break; sleep 0.02; done`
	for range 3 {
		out, err := exec.Command("sh", "-c", session).CombinedOutput()
		fmt.Printf("%s%v\n", out, err)
		<-c
	}
	fmt.Println("disarmed:", lazy.Disarm())
}

func main() { Main() }
