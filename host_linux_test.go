package lazy_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// hostDoes what a line to a target says, and returns the answer.
func hostDoes(line string) string {
	what, arg, _ := strings.Cut(line, " ")
	switch what {
	case "take-over":
		return takeOver()
	case "listeners":
		return strconv.Itoa(listening())
	case "ring-on-thread":
		return ringOnThread(arg)
	}
	return "what?"
}

var listeners []int

// takeOver closes all descriptors above 2, but for the runtime's poller, without
// which no Go program lives, and gives their numbers to listeners of the
// program's.
func takeOver() string {
	links, _ := filepath.Glob("/proc/self/fd/*")
	highest := 2
	for _, l := range links {
		fd, _ := strconv.Atoi(filepath.Base(l))
		if what, _ := os.Readlink(l); fd > 2 && !strings.HasPrefix(what, "anon_inode:") {
			unix.Close(fd)
			highest = max(highest, fd)
		}
	}
	for {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrUnix{Name: fmt.Sprintf("@program-%d-%d", os.Getpid(), len(listeners))})
		}
		if err == nil {
			err = unix.Listen(fd, 5)
		}
		if err != nil {
			return err.Error()
		}
		listeners = append(listeners, fd)
		if fd >= highest {
			return strconv.Itoa(len(listeners))
		}
	}
}

// listening returns how many listeners are as they were.
func listening() (n int) {
	for i, fd := range listeners {
		sa, err := unix.Getsockname(fd)
		un, ok := sa.(*unix.SockaddrUnix)
		on, err2 := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		if err != nil || err2 != nil || !ok || on != 1 || un.Name != fmt.Sprintf("@program-%d-%d", os.Getpid(), i) {
			continue
		}
		if c, err := net.Dial("unix", un.Name); err == nil { // fails once it is shut down
			c.Close()
			n++
		}
	}
	return n
}

// A program that closes what it did not open, and gets the numbers for its own
// listeners, is rung as before, and its listeners stay.
func TestDescriptorsTakenOver(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"armed", "in a session", "rung"} {
		t.Run(when, func(t *testing.T) {
			tg := startTarget(t)
			var c *net.UnixConn
			switch when {
			case "in a session":
				tg.Ring()
				c = tg.Dial()
				lazytest.Until(t, c, lazytest.Prompt)
			case "rung":
				tg.Ring()
				tg.Opened()
			}
			n := tg.AskInt("take-over")
			if n < 2 {
				t.Fatalf("%d listeners", n)
			}
			if c != nil {
				io.WriteString(c, "version\n") // fails: the program closed the connection
				c.CloseWrite()
				io.Copy(io.Discard, c)
			}
			if when == "rung" {
				tg.Logged("the program closed the socket")
			}
			tg.Gone()
			for range 3 {
				lazytest.Wants(t, tg.Script("version\n"), "go1.")
				tg.Gone()
			}
			if got := tg.AskInt("listeners"); got != n {
				t.Errorf("%d of %d listeners are left", got, n)
			}
			if got := tg.Ask("disarm"); got != "<nil>" {
				t.Errorf("disarm: %s", got)
			}
			if got := tg.AskInt("listeners"); got != n {
				t.Errorf("%d of %d listeners are left after Disarm", got, n)
			}
		})
	}
}

// ringOnThread sends the signal to a thread that has another root directory,
// another /tmp or another file system identity than the rest, and returns "rung".
// The thread stays.
func ringOnThread(how string) string {
	answer := make(chan string)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_FS)
		kind, dir, _ := strings.Cut(how, " ")
		switch {
		case err != nil:
		case kind == "setfsuid":
			_, _, errno := unix.RawSyscall(unix.SYS_SETFSUID, someone, 0, 0)
			if errno != 0 {
				err = errno
			}
		case kind == "chroot":
			err = unix.Chroot(dir)
		case kind == "mount":
			if err = unix.Unshare(unix.CLONE_NEWNS); err == nil {
				err = unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
			}
			if err == nil {
				err = unix.Mount(dir, "/tmp", "", unix.MS_BIND, "")
			}
		}
		if err == nil {
			err = unix.Tgkill(os.Getpid(), unix.Gettid(), syscall.SIGUSR2)
		}
		if err != nil {
			answer <- err.Error()
		} else {
			answer <- "rung"
		}
		select {}
	}()
	return <-answer
}

// A ring that a thread takes that has another file system than the rest of the
// program opens the socket where clients look for it, and leaves no file behind.
func TestRingOnOddThread(t *testing.T) {
	if lazytest.Emulated() {
		t.Skip("the roots in /proc are not those of the emulated threads")
	}
	lazytest.NeedRoot(t)
	t.Parallel()
	for _, how := range []string{"setfsuid", "chroot", "mount"} {
		t.Run(how, func(t *testing.T) {
			dir := lazytest.PublicDir(t)
			if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o777); err != nil {
				t.Fatal(err)
			}
			os.Chmod(filepath.Join(dir, "tmp"), 0o777)
			tg := startTarget(t, "-park", "1")
			for range 2 {
				if got := tg.Ask("ring-on-thread " + how + " " + dir); got != "rung" {
					t.Skip(got)
				}
				// A client that is quicker than Go code meets the first socket.
				lazytest.Eventually(t, "a session opens", func() bool {
					c := tg.Dial()
					io.WriteString(c, "version\n")
					c.CloseWrite()
					return strings.HasPrefix(lazytest.Rest(t, c), "go1.")
				})
				tg.Gone()
			}
			for _, pattern := range []string{dir + "/manhole-*", dir + "/tmp/manhole-*"} {
				if left, _ := filepath.Glob(pattern); left != nil {
					t.Errorf("left behind: %q", left)
				}
			}
		})
	}
}
