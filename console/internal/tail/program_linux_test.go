package tail_test

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/go-manhole/lazy/internal/pollconn"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	lazytest.Play(lazytest.Roles{"writer": writer})
	os.Exit(m.Run())
}

// writer is an armed program that writes to its stdout and stderr as the lines
// that it reads say, and answers each.
func writer() {
	var (
		path     = flag.String("path", "", "WithPath")
		readOnly = flag.Bool("readonly", false, "WithReadOnly")
		spin     = flag.Int("spin", 0, "goroutines that burn CPU")
		noFile   = flag.Bool("nofile", false, "take every descriptor after Arm")
		answers  = flag.Int("answers", 1, "the descriptor that answers go to")
	)
	flag.Parse()
	if *answers != 1 {
		os.Stdout = os.NewFile(uintptr(*answers), "answers")
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	pollconn.WriteTimeout = 10 * time.Minute // a test reads nothing while it waits for an answer
	var options []lazy.Option
	if *path != "" {
		options = append(options, lazy.WithPath(*path))
	}
	if *readOnly {
		options = append(options, lazy.WithReadOnly())
	}
	if err := lazy.Arm(options...); err != nil {
		fmt.Println("error:", err)
		return
	}
	lazytest.Spin(*spin)
	if *noFile {
		lazytest.TakeDescriptors()
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "goroutines":
			fmt.Println(runtime.NumGoroutine())
		case "stacks":
			buf := make([]byte, 1<<20)
			fmt.Printf("%q\n", buf[:runtime.Stack(buf, true)])
		case "disarm":
			fmt.Println(lazy.Disarm())
		default:
			fmt.Println(write(in.Text()))
		}
	}
}

// A target is a process that plays the writer.
type target struct {
	*lazytest.Process
	t testing.TB
}

// launch starts a command that ends with the writer's flags.
func launch(t testing.TB, cmd *exec.Cmd) *target {
	t.Helper()
	tg := &target{lazytest.Launch(t, "writer", cmd), t}
	if i := slices.Index(cmd.Args, "-path"); i >= 0 {
		tg.Path = cmd.Args[i+1]
	}
	return tg
}

// tail opens a session and gives the command in it, as a person.
func (tg *target) tail(command string) net.Conn {
	tg.t.Helper()
	tg.Ring()
	c := tg.Dial()
	lazytest.Until(tg.t, c, lazytest.Prompt)
	io.WriteString(c, command+"\n")
	lazytest.Until(tg.t, c, "Enter ends it\n")
	return c
}

// startRedirected starts a target with its stdout and stderr redirected as
// the shell does it.
func startRedirected(t testing.TB, redirections string, flags ...string) *target {
	t.Helper()
	cmd := lazytest.Command(lazytest.Exe(t), append([]string{"-answers", "3"}, flags...)...)
	tg := launch(t, lazytest.Wrap(cmd, "sh", "-c", `exec "$@" 3>&1 `+redirections, "sh"))
	tg.Ready()
	return tg
}

func content(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// leave ends a person's tail and session.
func leave(t testing.TB, c net.Conn) {
	t.Helper()
	io.WriteString(c, "\n")
	lazytest.Until(t, c, lazytest.Prompt[1:])
	io.WriteString(c, "quit\n")
	lazytest.Rest(t, c)
}

// shownOrCounted reads the lines of "lines most" to the last and returns how
// many were shown or counted, and how many of them only counted.
func shownOrCounted(t testing.TB, c net.Conn, most int) (next, lost int) {
	t.Helper()
	notice := regexp.MustCompile(`^lazy: tail: stderr: (\d+) lines \(.*\) are not shown, `)
	cut := "" // the rest of it is the first of those that are counted
	for in := bufio.NewScanner(c); next < most; {
		if !in.Scan() {
			t.Fatalf("%v, after %d lines", in.Err(), next)
		}
		line := in.Text()
		var n, of int
		if m := notice.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			next, lost, cut = next+n, lost+n, ""
		} else if _, err := fmt.Sscanf(line, "line %d of %d", &n, &of); cut != "" || err == nil && of == most && n != next {
			t.Fatalf("%q comes after %d %q", line, next-1, cut)
		} else if err != nil || of != most {
			cut = line
		} else {
			next++
		}
	}
	return next, lost
}

// children are the processes that the target's first thread started.
func (tg *target) children() (pids []int) {
	tg.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", tg.PID))
	if err != nil {
		tg.t.Fatal(err)
	}
	for _, w := range strings.Fields(string(b)) {
		pid, _ := strconv.Atoi(w)
		pids = append(pids, pid)
	}
	return pids
}

// write is the part of a target that writes to its stdout and stderr,
// in all the ways that a program has.
func write(line string) string {
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
	case "forbid": // what only the helper process does
		return fmt.Sprint(lazytest.Forbid(unix.SYS_CLOSE_RANGE, lazytest.Kill))
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
