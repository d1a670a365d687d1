package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/console"
	"github.com/go-manhole/lazy/internal/frame"
	"github.com/google/gops/agent"
	"golang.org/x/sys/unix"
)

// Every process that the tests poke is one of its own. This test executable
// plays them, told by an environment variable which one: the ones here are
// those that a program with lazy in it never or rarely is. The program that
// really has lazy in it is the demo's.
const roleVariable = "MANHOLE_POKE_TEST_ROLE"

// spinVariable is how many goroutines burn CPU in it besides.
const spinVariable = "MANHOLE_POKE_TEST_SPIN"

// pokeBinary is the real manhole-poke, built once.
var pokeBinary string

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		play(role)
		return
	}
	// Of what is started from here with the race detector in it, none takes
	// a second to exit.
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "manhole-poke")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		// Other users must be able to run it.
		if err := os.Chmod(dir, 0o755); err != nil {
			panic(err)
		}
		pokeBinary = filepath.Join(dir, "manhole-poke")
		args := append([]string{"build", "-o", pokeBinary}, buildFlags()...)
		if out, err := runTool("go", append(args, ".")...); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// buildFlags are those of this test, so that with -race or the tag for the
// other doorbell it is that build of manhole-poke and its demo that is tried.
func buildFlags() (flags []string) {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, s := range b.Settings {
		switch s.Key {
		case "-race", "-tags":
			flags = append(flags, s.Key+"="+s.Value)
		}
	}
	return flags
}

// play is the main of a process to be poked. Its arguments are the signal's
// number, and the path or "" for /tmp/manhole-PID. It says "ready" when it is,
// and "rung" at every signal.
func play(role string) {
	sig, path := syscall.SIGUSR2, os.Args[1]
	if path == "" {
		path = fmt.Sprintf("/tmp/manhole-%d", os.Getpid())
	}
	go func() { // no longer than the test
		io.Copy(io.Discard, os.Stdin)
		os.Remove(path)
		os.Exit(0)
	}()
	for n, _ := strconv.Atoi(os.Getenv(spinVariable)); n > 0; n-- {
		go func() {
			for {
				spun.Add(1)
			}
		}()
	}
	rings := make(chan os.Signal, 1)
	switch role {
	case "lazy":
		playLazy(lazy.WithPath(path))
		return
	case "lazy by default":
		playLazy()
		return
	case "lazy, but not for root":
		playLazy(lazy.WithPath(path), lazy.WithCheck(func(p lazy.Peer) error {
			if p.UID == 0 {
				return errors.New("root is not wanted")
			}
			return nil
		}))
		return
	case "looping", "in a raw call", "forking", "burning":
		playHeld(role, path)
		return
	case "odd", "odd and saturated", "odd and silent":
		playOdd(role, path)
		return
	case "ignoring":
		signal.Ignore(sig)
	case "with gops's agent":
		if err := agent.Listen(agent.Options{}); err != nil {
			panic(err)
		}
		signal.Notify(rings, sig)
	case "for USR1":
		sig = syscall.SIGUSR1
		signal.Notify(rings, sig)
	default:
		signal.Notify(rings, sig)
	}
	note := fmt.Sprintf("lazy=1\npid=%d\nsignal=%s\nsigno=%d\npath=%s\n", os.Getpid(), unix.SignalName(sig), sig, path)
	switch role {
	case "unarmed", "ignoring", "without a note":
	case "from the future":
		hold(armedName, "lazy=2\n")
	case "with another's note":
		hold(armedName, strings.Replace(note, "pid=", "pid=1", 1))
	default:
		hold("unrelated", "x")
		hold(armedName+"-1", note)
	}
	fmt.Println("ready")
	for range rings {
		fmt.Println("rung")
		switch role {
		case "unarmed", "deaf", "from the future", "with another's note":
		case "dying when rung":
			os.Exit(1)
		default:
			open(role, path)
		}
	}
}

var spun atomic.Int64

// playLazy is a program that really is armed.
func playLazy(options ...lazy.Option) {
	lazy.Handle("echo", "WORD...: the words again", func(_ context.Context, w io.Writer, args []string) error {
		_, err := fmt.Fprintln(w, strings.Join(args, " "))
		return err
	})
	lazy.Handle("fail", "show something and fail", func(_ context.Context, w io.Writer, _ []string) error {
		fmt.Fprintln(w, "half an answer")
		return errors.New("on purpose")
	})
	lazy.Handle("block", "wait until it is interrupted", func(ctx context.Context, w io.Writer, _ []string) error {
		fmt.Fprintln(w, "blocking")
		<-ctx.Done()
		return context.Cause(ctx)
	})
	lazy.Handle("die", "exit at once", func(context.Context, io.Writer, []string) error {
		os.Exit(0)
		return nil
	})
	if err := lazy.Arm(append(options, lazy.WithLogger(slog.New(slog.DiscardHandler)))...); err != nil {
		panic(err)
	}
	for range 20 {
		go func() { select {} }()
	}
	fmt.Println("ready")
	select {}
}

func hold(name, text string) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		panic(err)
	}
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		panic(err)
	}
}

var hungUp bool

// open is a session as the role has it.
func open(role, path string) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		panic(err)
	}
	defer l.Close()
	c, err := l.AcceptUnix()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	switch role {
	case "refusing":
		fmt.Fprintln(c, "lazy: refused: uid 7 is neither uid 0 nor root")
		return
	case "busy":
		fmt.Fprintln(c, "lazy: busy: session held by uid 7 (pid 8) since 09:10:11 (3s ago)")
		return
	case "hanging up":
		return
	case "hanging up at first":
		if !hungUp {
			hungUp = true
			return
		}
	case "hanging up on the script":
		c.Read(make([]byte, 1)) // and leave the rest unread
		return
	case "silent":
		io.Copy(io.Discard, c)
		return
	}
	if op, err := r.Peek(1); err == nil && console.IsGops(op[0]) {
		said, _ := io.ReadAll(r) // by a peer that says it all at once
		fmt.Fprintf(c, "gops said %q\n", said)
		return
	}
	opening, err := r.ReadString('\n')
	if err != nil || !strings.HasPrefix(opening, frame.Opening) {
		return
	}
	send := func(k frame.Kind, text string) { frame.Write(c, k, []byte(text)) }
	send(frame.Hello, `{"text":"lazy: welcome\n"}`)
	switch role {
	case "closing":
		send(frame.Output, "welcome\n")
		send(frame.Closing, "silent for 5m0s")
		return
	case "dying in the session":
		send(frame.Output, "welcome\n")
		unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	}
	// What a session does, in short.
	if strings.Contains(opening, frame.WantsReport) {
		send(frame.Output, "report\n")
		send(frame.Done, "")
	}
	for {
		line, err := r.ReadString('\n')
		switch {
		case err != nil && line == "":
			return
		case line == "quit\n":
			send(frame.Done, "")
			return
		case line == "bad\n":
			send(frame.Error, "bad: no such command; try help")
			send(frame.Done, "")
		default:
			send(frame.Output, "you said "+line)
			send(frame.Done, "")
		}
	}
}
