// Cthread is an armed program with a thread that C code started. It prints the
// thread's id. For each line that it reads it prints how often the program itself
// was notified of SIGUSR2. The words of its command line and the lines say what to
// do: "notify" asks for the signal, "block" and "unblock" are about it in the main
// thread, "disarm" and "arm" about lazy, "other" arms with another signal.
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

var notified atomic.Int64

func do(word string) {
	var err error
	switch word {
	case "notify":
		c := make(chan os.Signal, 100)
		signal.Notify(c, syscall.SIGUSR2)
		go func() {
			for range c {
				notified.Add(1)
			}
		}()
	case "block":
		C.mask(C.SIG_BLOCK)
	case "unblock":
		C.mask(C.SIG_UNBLOCK)
	case "disarm":
		err = lazy.Disarm()
	case "arm":
		err = lazy.Arm()
	case "other":
		err = lazy.Arm(lazy.WithSignal(syscall.SIGWINCH))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func main() {
	tid := C.start()
	for _, word := range os.Args[1:] {
		do(word)
	}
	fmt.Println(tid)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		do(in.Text())
		fmt.Println(notified.Load())
	}
}
