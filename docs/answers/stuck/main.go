// Stuck serves 20 customers, of whom one never finishes a question.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/go-manhole/lazy"
)

func main() {
	if err := lazy.Arm(); err != nil {
		fmt.Println(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(os.Getpid())
	for i := range 20 {
		go customer(l.Addr().String(), i == 7)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		go handle(c)
	}
}

func handle(c net.Conn) {
	defer c.Close()
	for in := bufio.NewReader(c); ; {
		question, err := readQuestion(in)
		if err != nil {
			return
		}
		fmt.Fprintln(c, "no, not", question)
	}
}

func readQuestion(in *bufio.Reader) (string, error) { return in.ReadString('\n') }

func customer(addr string, stuck bool) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	if stuck {
		io.WriteString(c, "is it hal")
		fmt.Println("stuck:", c.LocalAddr())
	}
	go io.Copy(io.Discard, c)
	for !stuck {
		fmt.Fprintln(c, "is it")
		time.Sleep(100 * time.Millisecond)
	}
	select {}
}
