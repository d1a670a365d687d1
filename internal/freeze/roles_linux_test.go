//go:build amd64 || arm64

package freeze

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if lazytest.Emulated() {
		cloneFlags = uint64(unix.SIGCHLD) // the emulator makes no other processes
	}
	lazytest.Play(lazytest.Roles{"program": program})
	os.Exit(m.Run())
}

// program does what each line that it reads says, and answers with a line.
func program() {
	var c *Copy
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		words := strings.Fields(in.Text())
		arg := 0
		if len(words) > 1 {
			fmt.Sscan(words[1], &arg)
		}
		var answer any = "done"
		switch words[0] {
		case "take":
			var err error
			r := request()
			if arg > 0 {
				r.For = time.Duration(arg) * time.Millisecond
			}
			if c, err = Take(r); err != nil {
				answer = "error: " + err.Error()
			} else {
				answer = c.PID
			}
		case "end":
			c.End()
		case "core":
			answer = coreWith(c, arg)
		case "undumpable":
			unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
		case "nproc":
			limit := unix.Rlimit{Cur: uint64(arg), Max: uint64(arg)}
			unix.Setrlimit(unix.RLIMIT_NPROC, &limit)
		case "maxprocs":
			answer = runtime.GOMAXPROCS(arg)
		case "cpus":
			answer = runtime.NumCPU()
		case "one-cpu":
			answer = useOneCPU()
		case "goroutines":
			answer = runtime.NumGoroutine()
		case "many":
			answer = many(arg)
		}
		fmt.Println(answer)
	}
}

// coreWith writes a core file while so many descriptors are left.
func coreWith(c *Copy, left int) any {
	unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64})
	var all []int
	for {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			break
		}
		all = append(all, fd)
	}
	for i, fd := range all {
		if i < left {
			unix.Close(fd)
		}
	}
	err := c.WriteCore(context.Background(), io.Discard, nil)
	for _, fd := range all[left:] {
		unix.Close(fd)
	}
	if err != nil {
		return err
	}
	return "done"
}

// useOneCPU binds all threads to one CPU.
func useOneCPU() any {
	tasks, err := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		var tid int
		fmt.Sscan(task.Name(), &tid)
		var set, first unix.CPUSet
		if err = unix.SchedGetaffinity(tid, &set); err != nil {
			break
		}
		for cpu := 0; ; cpu++ {
			if set.IsSet(cpu) {
				first.Set(cpu)
				break
			}
		}
		if err = unix.SchedSetaffinity(tid, &first); err != nil {
			break
		}
	}
	if err != nil {
		return err
	}
	return "done"
}

// many makes copies in a process that collects garbage, starts commands, and has
// a hundred threads. It returns what is left of them, or how another part of the
// program was disturbed.
func many(copies int) any {
	hold := make(chan struct{})
	var held sync.WaitGroup
	held.Add(100)
	for range 100 {
		go func() {
			runtime.LockOSThread()
			held.Done()
			<-hold
			runtime.UnlockOSThread()
		}()
	}
	held.Wait()
	var stop atomic.Bool
	failed := make(chan error, 2)
	go func() { // which collects garbage
		var keep [64][]*int
		for i := 0; !stop.Load(); i++ {
			keep[i%64] = make([]*int, 1000)
		}
		failed <- nil
	}()
	go func() {
		for !stop.Load() {
			cmd := exec.Command("true")
			if err := cmd.Run(); err != nil {
				failed <- fmt.Errorf("a command failed: %w", err)
				return
			}
		}
		failed <- nil
	}()
	maxprocs := runtime.GOMAXPROCS(0)
	for i := range copies {
		c, err := Take(request())
		if err != nil {
			return fmt.Sprintf("copy %d: %v", i, err)
		}
		if got := runtime.GOMAXPROCS(0); got != maxprocs {
			return fmt.Sprintf("copy %d: GOMAXPROCS is %d", i, got)
		}
		c.End()
	}
	stop.Store(true)
	for range 2 {
		if err := <-failed; err != nil {
			return err
		}
	}
	close(hold)
	var status unix.WaitStatus
	if pid, err := unix.Wait4(-1, &status, unix.WNOHANG|unix.WALL, nil); err != unix.ECHILD {
		return fmt.Sprintf("wait4: %d, %v", pid, err)
	}
	return "done"
}
