// Cthread is an armed program with a thread that C code started. It prints the
// thread's id, and then how often the program itself was notified of SIGUSR2,
// for each line that it reads.
package main

/*
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>
#include <sys/syscall.h>

static volatile int tid;

static void *run(void *arg) {
	tid = syscall(SYS_gettid);
	for (;;) pause();
	return arg;
}

static int start(void) {
	pthread_t t;
	pthread_create(&t, 0, run, 0);
	while (!tid) usleep(1000);
	return tid;
}
*/
import "C"

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/go-manhole/lazy"
)

func main() {
	if err := lazy.Arm(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var notified atomic.Int64
	if len(os.Args) > 1 {
		c := make(chan os.Signal, 100)
		signal.Notify(c, syscall.SIGUSR2)
		go func() {
			for range c {
				notified.Add(1)
			}
		}()
	}
	fmt.Println(C.start())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(notified.Load())
	}
}
