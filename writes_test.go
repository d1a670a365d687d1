//go:build linux || darwin || freebsd

package lazy_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// targetWrites is the part of a target that writes to its stdout and stderr,
// in all the ways that a program has.
func targetWrites(line string) string {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "out":
		unix.Write(1, []byte(rest+"\n"))
	case "err":
		unix.Write(2, []byte(rest+"\n"))
	case "lines": // so many, and how long they took
		n, _ := strconv.Atoi(rest)
		var slowest time.Duration
		begin := time.Now()
		for i := range n {
			start := time.Now()
			if _, err := fmt.Fprintf(os.Stderr, "line %d of %d\n", i, n); err != nil {
				return err.Error()
			}
			slowest = max(slowest, time.Since(start))
		}
		return fmt.Sprintf("%v in all, the slowest %v", time.Since(begin), slowest)
	case "count": // lines of both streams in turns, until it is asked again
		if counting == nil {
			counting = make(chan int)
			go count(counting)
			return "ok"
		}
		counting <- 0
		return fmt.Sprint(<-counting)
	case "sigpipe": // ignore it, so that writes that nobody reads fail
		signal.Ignore(unix.SIGPIPE)
	case "child": // which writes now, and when the file is there
		c := exec.Command("sh", "-c", `echo child begins >&2; until test -e "$0"; do sleep 0.02; done; echo child ends >&2`, rest)
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			return err.Error()
		}
		child = c
	case "wait":
		return fmt.Sprint(child.Wait())
	case "close":
		fd, _ := strconv.Atoi(rest)
		return fmt.Sprint(unix.Close(fd))
	case "reuse": // the descriptor of stderr for something else, as one does who is careless
		streams[0].Close()
		unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	case "cut":
		return fmt.Sprint(os.Truncate(rest, 0))
	case "replace":
		fd, err := unix.Open(rest, unix.O_WRONLY|unix.O_CREAT|unix.O_APPEND|unix.O_CLOEXEC, 0o600)
		if err == nil {
			err = unix.Dup2(fd, 2)
			unix.Close(fd)
		}
		return fmt.Sprint(err)
	case "flags":
		n, err := unix.FcntlInt(2, unix.F_GETFL, 0)
		return fmt.Sprint(n, err)
	case "panic":
		fmt.Fprintln(os.Stderr, "last words")
		panic("on purpose")
	case "fatal":
		fmt.Fprintln(os.Stderr, "last words")
		new(sync.Mutex).Unlock()
	case "exit":
		fmt.Fprintln(os.Stderr, "last words")
		os.Exit(3)
	case "kill":
		fmt.Fprintln(os.Stderr, "last words")
		unix.Kill(os.Getpid(), unix.SIGKILL)
	case "execve":
		fmt.Fprintln(os.Stderr, "last words")
		syscall.Exec("/bin/sh", []string{"sh", "-c", "echo of another program >&2"}, os.Environ())
	default:
		return "what?"
	}
	return "ok"
}

var (
	child    *exec.Cmd
	counting chan int
	// streams are what package os made of the two, whatever became of its
	// variables since.
	streams = [...]*os.File{os.Stderr, os.Stdout}
)

// count writes numbers in turns to stderr and stdout, as fast as it can.
func count(stop chan int) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			stop <- i
			return
		default:
			fmt.Fprintf(streams[i%2], "%d of many\n", i)
		}
	}
}
