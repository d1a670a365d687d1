package poketest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/armednote"
	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/go-manhole/lazy/internal/signame"
	"github.com/google/gops/agent"
	opcode "github.com/google/gops/signal"
	"golang.org/x/sys/unix"
)

// SpinVariable is an environment variable with the number of goroutines that
// burn CPU in a target besides.
const SpinVariable = "MANHOLE_POKE_TEST_SPIN"

// roles are those of a target. Its argument is the path of the socket, "" being
// /tmp/manhole-PID. It prints "ready" when it is, and, unless it is really
// armed, "rung" for every signal.
func roles() lazytest.Roles {
	all := lazytest.Roles{}
	for _, role := range []string{
		"lazy", "lazy, notified", "lazy by default", "lazy, but not for root", "looping", "in a raw call", "forking", "burning",
		"ignoring", "with gops's agent", "for USR1", "unarmed", "without a note", "from the future", "with another's note", "with a planted note", "with many notes", "with a note for SIGTERM",
		"armed", "deaf", "dying when rung", "refusing", "busy", "hanging up", "hanging up at first", "hanging up on the script",
		"silent", "closing", "dying in the session", "hostile", "refusing for ever",
		"with a silent file system", "with a note on a silent file system", "with a leased note", "with many descriptors", "with many threads",
	} {
		all[role] = func() { play(role) }
	}
	return all
}

// socketPath returns the path for a role.
func socketPath() string {
	if os.Args[1] != "" {
		return os.Args[1]
	}
	return fmt.Sprintf("/tmp/manhole-%d", os.Getpid())
}

// EndWithInput ends a role with its standard input.
func EndWithInput() {
	io.Copy(io.Discard, os.Stdin)
	if !silent.Load() {
		os.Remove(socketPath())
	}
	os.Exit(0)
}

func play(role string) {
	path := socketPath()
	go EndWithInput()
	for n, _ := strconv.Atoi(os.Getenv(SpinVariable)); n > 0; n-- {
		go func() {
			for {
				spun.Add(1)
			}
		}()
	}
	switch role {
	case "lazy":
		playLazy(lazy.WithPath(path))
	case "lazy, notified":
		rings := make(chan os.Signal, 1)
		signal.Notify(rings, syscall.SIGUSR2)
		go func() {
			for range rings {
				fmt.Println("rung")
			}
		}()
		playLazy(lazy.WithPath(path))
	case "lazy by default":
		playLazy()
	case "lazy, but not for root":
		playLazy(lazy.WithPath(path), lazy.WithCheck(func(p lazy.Peer) error {
			if p.UID == 0 {
				return errors.New("root is not wanted")
			}
			return nil
		}))
	case "looping", "in a raw call", "forking", "burning":
		playHeld(role, path)
	default:
		playSignalled(role, path)
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

// playSignalled is a program that only looks armed, or does not.
func playSignalled(role, path string) {
	sig := syscall.SIGUSR2
	rings := make(chan os.Signal, 1)
	switch role {
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
	case "unarmed":
		signal.Notify(rings, sig)
	default:
		notifyUnseen(rings, sig)
	}
	note := string(armednote.Note{PID: os.Getpid(), Signal: int(sig), Path: path}.Text(signame.Name(sig)))
	switch role {
	case "unarmed", "ignoring", "without a note":
	case "from the future":
		hold(armednote.Prefix, "lazy=2\n")
	case "with another's note":
		hold(armednote.Prefix, strings.Replace(note, "pid=", "pid=1", 1))
	case "with a planted note":
		if err := unix.Fchown(hold(armednote.Prefix, note), 1234, 1234); err != nil {
			panic(err)
		}
	case "with many notes":
		for range 1000 {
			hold(armednote.Prefix, "lazy=2\n")
		}
	case "with a note for SIGTERM":
		hold(armednote.Prefix, string(armednote.Note{PID: os.Getpid(), Signal: int(syscall.SIGTERM), Path: path}.Text("SIGTERM")))
		signal.Notify(rings, syscall.SIGTERM)
	case "with a leased note":
		lease(hold(armednote.Prefix, note))
	case "with a note on a silent file system":
		mountSilent(filepath.Dir(path))
		unix.Unmount(filepath.Dir(path), unix.MNT_DETACH) // so that its name begins there
	default:
		switch role {
		case "with a silent file system":
			mountSilent(filepath.Dir(path))
		case "with many descriptors":
			takeDescriptors(100_000)
		case "with many threads":
			takeThreads(20_000)
		}
		hold("unrelated", "x")
		hold(armednote.Prefix+"-1", note)
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

// notifyUnseen is signal.Notify for a program that stands for one with lazy's own
// handler: the masks of its threads do not show that it is notified (package
// sigmask), because it is notified of nearly all signals.
func notifyUnseen(rings chan os.Signal, sig os.Signal) {
	all := []os.Signal{sig}
	for n := syscall.Signal(35); n <= signame.Max; n++ {
		all = append(all, n)
	}
	signal.Notify(rings, all...)
}

func hold(name, text string) (fd int) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		panic(err)
	}
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		panic(err)
	}
	return fd
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
	switch role {
	case "refusing":
		fmt.Fprintln(c, "lazy: refused: uid 7 is neither uid 0 nor root")
		return
	case "busy":
		fmt.Fprintln(c, "lazy: busy: session held by uid 7 (pid 8) since 09:10:11 (3s ago)")
		return
	case "refusing for ever":
		fmt.Fprint(c, "lazy: refused: ")
		for _, err := c.Write(make([]byte, 64<<10)); err == nil; _, err = c.Write(bytes.Repeat([]byte("x"), 64<<10)) {
		}
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
	converse(role, c)
}

// converse does what a session does, in short.
func converse(role string, c *net.UnixConn) {
	r := bufio.NewReader(c)
	if op, err := r.Peek(1); err == nil && op[0] != frame.Preface[0] && op[0] <= opcode.SetGCPercent {
		said, _ := io.ReadAll(r) // by a client that says it all at once
		fmt.Fprintf(c, "gops said %q\n", said)
		return
	}
	preface, err := r.ReadString('\n')
	if err != nil || !strings.HasPrefix(preface, frame.Preface) {
		return
	}
	send := func(k frame.Kind, id uint32, text string) {
		frame.Write(c, frame.Frame{Kind: k, ID: id, Payload: []byte(text)})
	}
	send(frame.Hello, 0, `{"text":"lazy: welcome\n"}`)
	if strings.Contains(preface, frame.WantsReport) {
		send(frame.Output, 0, "report\n")
		send(frame.Done, 0, "")
	}
	for {
		f, err := frame.Read(r)
		if err != nil {
			return
		}
		if f.Kind != frame.Line {
			continue
		}
		switch line := string(f.Payload); {
		case role == "closing":
			send(frame.Output, f.ID, "welcome\n")
			send(frame.Closing, 0, "silent for 5m0s")
			return
		case role == "dying in the session":
			send(frame.Output, f.ID, "welcome\n")
			unix.Kill(os.Getpid(), unix.SIGKILL)
			select {}
		case role == "hostile" && annoy(line, f.ID, c):
			return
		case line == "quit":
			send(frame.Done, f.ID, "")
			return
		case line == "bad":
			send(frame.Failed, f.ID, "bad: no such command; try help")
			send(frame.Done, f.ID, "")
		default:
			send(frame.Output, f.ID, "you said "+line+"\n")
			send(frame.Done, f.ID, "")
		}
	}
}

// annoy does what annoys a client, for some commands, until it leaves.
func annoy(line string, id uint32, c *net.UnixConn) bool {
	part, pause := "", time.Duration(0)
	switch line {
	case "flood":
		part = strings.Repeat("x", frame.MaxPayload)
	case "stats", "drip":
		part, pause = "x", 20*time.Millisecond
	case "stall":
		io.WriteString(c, "O\x00\x00\x00")
		fallthrough
	case "stack json", "silence":
		io.Copy(io.Discard, c)
		return true
	default:
		return false
	}
	for frame.Write(c, frame.Frame{Kind: frame.Output, ID: id, Payload: []byte(part)}) == nil {
		time.Sleep(pause)
	}
	return true
}

// lease makes whoever opens the file wait until this process gives way, which it
// does not, fcntl(2).
func lease(fd int) {
	// memfd_create(2) itself does not count as an open for writing.
	again, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		panic(err)
	}
	unix.Close(fd)
	if _, err := unix.FcntlInt(uintptr(again), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		panic(err)
	}
}

// takeDescriptors takes n descriptors, or as many as it may.
func takeDescriptors(n int) {
	limit := unix.Rlimit{Cur: uint64(n), Max: uint64(n)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
		limit.Cur = limit.Max
		unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	}
	const spare = 10
	for range min(n, int(limit.Max)) {
		fd, err := unix.Dup(0)
		if err != nil {
			break
		}
		if fd+spare >= int(limit.Max) {
			break
		}
	}
}

func takeThreads(n int) {
	debug.SetMaxThreads(2 * n)
	var all sync.WaitGroup
	for range n {
		all.Add(1)
		go func() {
			runtime.LockOSThread()
			all.Done()
			unix.Pause()
		}()
	}
	all.Wait()
}
