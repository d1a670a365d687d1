// Cthread is an armed program with a thread that C code started. It prints the
// thread's id, and then how often the program itself was notified of SIGUSR2,
// for each line that it reads; one may be "block" or "unblock", which is about
// SIGUSR2 in the main thread.
package main

/*
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <sys/syscall.h>

static volatile int tid;

static void *run(void *arg) {
	tid = syscall(SYS_gettid);
	for (;;) pause();
	return arg;
}

static void mask(int how) {
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	pthread_sigmask(how, &s, 0);
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
	"runtime"
	"sync/atomic"
	"syscall"

	"github.com/go-manhole/lazy"
)

func init() { runtime.LockOSThread() } // so that main has the main thread

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
		switch in.Text() {
		case "block":
			C.mask(C.SIG_BLOCK)
		case "unblock":
			C.mask(C.SIG_UNBLOCK)
		}
		fmt.Println(notified.Load())
	}
}
