//go:build linux || darwin || freebsd

package lazy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-manhole/lazy"
)

// An operator opens a session with
//
//	kill -USR2 PID && nc -U /tmp/manhole-PID
func Example() {
	if err := lazy.Arm(); err != nil {
		log.Print(err) // the program goes on, without a manhole
	}

	// The program does what it is for.
}

func ExampleArm() {
	if err := lazy.Arm(lazy.WithIdleTimeout(time.Minute), lazy.WithReadOnly()); err != nil {
		log.Print(err)
		return
	}
	defer lazy.Disarm()

	err := lazy.Arm()
	before, _, _ := strings.Cut(err.Error(), ", SIGUSR2")
	fmt.Println(before)
	// Output: lazy: armed already
}

func ExampleDisarm() {
	if err := lazy.Arm(); err != nil {
		log.Print(err)
		return
	}
	fmt.Println(lazy.Disarm())
	fmt.Println(lazy.Disarm()) // does nothing
	// Output:
	// <nil>
	// <nil>
}

// A command of the program, and what an operator gets for
//
//	kill -USR2 PID && echo orders open | nc -N -U /tmp/manhole-PID
func ExampleHandle() {
	orders := map[string]int{"open": 3, "shipped": 12}
	lazy.Handle("orders", "STATE: how many orders are in a state", func(ctx context.Context, w io.Writer, args []string) error {
		if len(args) != 1 {
			return errors.New("one state is needed, such as open")
		}
		_, err := fmt.Fprintln(w, orders[args[0]])
		return err
	})
	if err := lazy.Arm(); err != nil {
		log.Print(err)
		return
	}
	defer lazy.Disarm()

	fmt.Print(session(fmt.Sprintf("/tmp/manhole-%d", os.Getpid()), "orders open", "orders"))
	// Output:
	// 3
	// lazy: error: orders: one state is needed, such as open
}

func ExampleWithSignal() {
	if err := lazy.Arm(lazy.WithSignal(syscall.SIGUSR1)); err != nil {
		log.Print(err)
		return
	}
	defer lazy.Disarm()

	fmt.Println(lazy.Arm(lazy.WithSignal(syscall.SIGTERM)) != nil)
	// Output: true
}

func ExampleWithPath() {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		log.Print(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "manhole")
	if err := lazy.Arm(lazy.WithPath(path)); err != nil {
		log.Print(err)
		return
	}
	defer lazy.Disarm()

	_, err = os.Lstat(path)
	fmt.Println("before the signal:", errors.Is(err, os.ErrNotExist))
	session(path, "version")
	// Output: before the signal: true
}

// The socket goes again ten seconds after a signal if no client connects.
func ExampleWithAcceptTimeout() {
	if err := lazy.Arm(lazy.WithAcceptTimeout(10 * time.Second)); err != nil {
		log.Print(err)
		return
	}
	defer lazy.Disarm()
	// Output:
}

// An operator may read what a command printed for half an hour.
func ExampleWithIdleTimeout() {
	if err := lazy.Arm(lazy.WithIdleTimeout(30 * time.Minute)); err != nil {
		log.Print(err)
		return
	}
	defer lazy.Disarm()
	// Output:
}

func ExampleWithMaxDuration() {
	err := lazy.Arm(lazy.WithMaxDuration(0))
	fmt.Println(err)
	// Output: lazy: WithMaxDuration(0s): the duration must be positive
}

func ExampleWithLogger() {
	var records bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&records, nil)).With("component", "manhole")
	path := fmt.Sprintf("/tmp/manhole-%d", os.Getpid())
	if err := lazy.Arm(lazy.WithLogger(logger)); err != nil {
		log.Print(err)
		return
	}
	session(path, "version")
	lazy.Disarm()

	fmt.Println(strings.Contains(records.String(), `"msg":"lazy: session over","component":"manhole","kind":"script"`))
	// Output: true
}

// Even root and the process's own user may be refused.
func ExampleWithCheck() {
	weekend := func(lazy.Peer) error { return errors.New("no sessions at the weekend") }
	if err := lazy.Arm(lazy.WithCheck(weekend)); err != nil {
		log.Print(err)
		return
	}
	defer lazy.Disarm()

	fmt.Print(session(fmt.Sprintf("/tmp/manhole-%d", os.Getpid()), "version"))
	// Output: lazy: refused: no sessions at the weekend
}

func ExampleWithReadOnly() {
	if err := lazy.Arm(lazy.WithReadOnly()); err != nil {
		log.Print(err)
		return
	}
	defer lazy.Disarm()

	answer := session(fmt.Sprintf("/tmp/manhole-%d", os.Getpid()), "gc")
	fmt.Println(strings.HasPrefix(answer, "lazy: error: gc: "))
	// Output: true
}

// session rings this very process, sends it commands as a script does, and
// returns the answers.
func session(path string, commands ...string) string {
	syscall.Kill(os.Getpid(), syscall.SIGUSR2)
	var c net.Conn
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		var err error
		if c, err = net.Dial("unix", path); err == nil {
			break
		} else if time.Now().After(end) {
			return err.Error()
		}
	}
	defer c.Close()
	io.WriteString(c, strings.Join(commands, "\n")+"\n")
	c.(*net.UnixConn).CloseWrite()
	answers, _ := io.ReadAll(c)
	return string(answers)
}
