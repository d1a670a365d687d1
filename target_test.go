//go:build linux || darwin || freebsd

package lazy_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/google/gops/agent"
	"golang.org/x/sys/unix"
)

// The tests ring a process of its own: this test binary, started anew with
// targetEnv set, so that it has the same build tags, race detector and
// architecture as the tests. It does what its flags say, and answers one line
// on stdout to each line on stdin.
const targetEnv = "LAZY_TEST_TARGET"

// emulatorEnv names what the test binary must be started with to run here,
// such as qemu-aarch64.
const emulatorEnv = "LAZY_TEST_EMULATOR"

func TestMain(m *testing.M) {
	if os.Getenv(targetEnv) != "" {
		targetMain()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func targetMain() {
	var (
		design = flag.String("design", "lazy", "what answers: lazy, ossignal, gops or nothing")
		path   = flag.String("path", "", "WithPath")
		signo  = flag.Int("signal", 0, "WithSignal")
		wait   = flag.Duration("wait", 0, "WithWait")
		idle   = flag.Duration("idle", 0, "WithIdle")
		long   = flag.Duration("longest", 0, "WithLongest")
		ro     = flag.Bool("readonly", false, "WithReadOnly")
		deny   = flag.String("deny", "", "WithCheck that refuses with these words")
		spin   = flag.Int("spin", 0, "goroutines that burn CPU")
		park   = flag.Int("park", 0, "goroutines that wait on a channel")
		notify = flag.String("notify", "", "own signal.Notify for SIGUSR2, before or after Arm")
		execs  = flag.Bool("exec", false, "start processes all the time")
		gc     = flag.Bool("gc", false, "make and collect garbage all the time")
		nofile = flag.Bool("nofile", false, "take every descriptor after Arm")
		check  = flag.String("check", "", "WithCheck that misbehaves: panic, goexit, hang or nilerr")
		logger = flag.String("logger", "", "WithLogger that misbehaves: panic, goexit or hang")
		ignore = flag.Bool("ignore-all", false, "signal.Ignore of everything before Arm")
		stay   = flag.Bool("stay", false, "go on without stdin")
		answer = flag.Int("answers", 1, "the descriptor that answers go to")
		stall  = flag.Duration("stall", 0, "how long a peer may read nothing")
		early  = flag.Bool("early", false, "use the poller and a timer before Arm, as most programs do")
	)
	flag.Parse()
	if *answer != 1 {
		os.Stdout = os.NewFile(uintptr(*answer), "answers")
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))

	var notified atomic.Int64
	ownNotify := func() {
		c := make(chan os.Signal, 1024)
		signal.Notify(c, unix.SIGUSR2)
		go func() {
			for range c {
				notified.Add(1)
			}
		}()
	}
	if *notify == "before" {
		ownNotify()
	}
	if *stall != 0 {
		lazy.SetStall(*stall)
	}
	if *early {
		time.AfterFunc(time.Hour, func() {})
	}
	if *ignore {
		signal.Ignore()
	}
	lazy.Handle("panic", "panic, to see what happens", func(context.Context, io.Writer, []string) error { panic("on purpose") })
	lazy.Handle("goexit", "end the goroutine", func(context.Context, io.Writer, []string) error { runtime.Goexit(); return nil })
	lazy.Handle("stuck", "never return", func(context.Context, io.Writer, []string) error { select {} })
	lazy.Handle("block", "return when cancelled", func(ctx context.Context, w io.Writer, _ []string) error {
		fmt.Fprintln(w, "blocking")
		<-ctx.Done()
		return context.Cause(ctx)
	})
	lazy.Handle("flood", "write until it fails", func(_ context.Context, w io.Writer, _ []string) error {
		for {
			if _, err := w.Write(bytes.Repeat([]byte("flood\n"), 1000)); err != nil {
				return err
			}
		}
	})
	lazy.Handle("echo", "WORD...: the words again", func(_ context.Context, w io.Writer, args []string) error {
		_, err := fmt.Fprintln(w, strings.Join(args, " "))
		return err
	})

	arm := func() error {
		var o []lazy.Option
		if *path != "" {
			o = append(o, lazy.WithPath(*path))
		}
		if *signo != 0 {
			o = append(o, lazy.WithSignal(syscall.Signal(*signo)))
		}
		if *wait != 0 {
			o = append(o, lazy.WithWait(*wait))
		}
		if *idle != 0 {
			o = append(o, lazy.WithIdle(*idle))
		}
		if *long != 0 {
			o = append(o, lazy.WithLongest(*long))
		}
		if *ro {
			o = append(o, lazy.WithReadOnly())
		}
		if *deny != "" {
			o = append(o, lazy.WithCheck(func(lazy.Peer) error { return errors.New(*deny) }))
		}
		if *check != "" {
			o = append(o, lazy.WithCheck(func(lazy.Peer) error { return misbehave(*check) }))
		}
		if *logger != "" {
			o = append(o, lazy.WithLogger(slog.New(badHandler{slog.Default().Handler(), *logger})))
		}
		return lazy.Arm(o...)
	}
	var err error
	switch *design {
	case "lazy":
		err = arm()
	case "ossignal":
		err = armOSSignal()
	case "gops":
		err = agent.Listen(agent.Options{ConfigDir: *path})
	case "nothing":
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	if *notify == "after" {
		ownNotify()
	}

	for range *spin {
		go func() {
			for x := 1; ; x++ {
				spinSink.Store(int64(x) & spinSink.Load())
			}
		}()
	}
	never := make(chan int)
	for range *park {
		go func() { <-never }()
	}
	if *execs {
		for range 2 {
			go func() {
				for {
					exec.Command("true").Run()
				}
			}()
		}
	}
	if *gc {
		go func() {
			for {
				garbage = append(garbage[:0:0], make([]byte, 1<<20)...)
				runtime.GC()
			}
		}()
	}
	if *nofile {
		for {
			if _, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
				break
			}
		}
	}

	fmt.Println("ready")
	if *stay {
		time.Sleep(time.Hour)
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		switch in.Text() {
		case "goroutines":
			fmt.Println(runtime.NumGoroutine())
		case "notified":
			fmt.Println(notified.Load())
		case "arm":
			fmt.Println(arm())
		case "disarm":
			fmt.Println(lazy.Disarm())
		case "ignore":
			signal.Ignore(unix.SIGUSR2)
			fmt.Println("ignored")
		case "reset":
			signal.Reset(unix.SIGUSR2)
			fmt.Println("reset")
		case "notify":
			ownNotify()
			fmt.Println("notifying")
		case "stacks":
			buf := make([]byte, 1<<20)
			s, _ := json.Marshal(string(buf[:runtime.Stack(buf, true)]))
			fmt.Println(string(s))
		default:
			if n, ok := strings.CutPrefix(in.Text(), "nproc "); ok {
				var limit unix.Rlimit
				fmt.Sscan(n, &limit.Cur)
				limit.Max = limit.Cur
				if err := unix.Setrlimit(unix.RLIMIT_NPROC, &limit); err != nil {
					fmt.Println(err)
				} else {
					fmt.Println(lazy.RoomForThreads())
				}
				continue
			}
			fmt.Println(targetWrites(in.Text()))
		}
	}
}

func misbehave(how string) error {
	switch how {
	case "panic":
		panic("on purpose")
	case "goexit":
		runtime.Goexit()
	case "hang":
		select {}
	case "nilerr":
		return (*badError)(nil)
	}
	return nil
}

type badError struct{ text string }

func (e *badError) Error() string { return e.text } // panics when nil

// A badHandler writes to the log, and then misbehaves.
type badHandler struct {
	slog.Handler
	how string
}

func (h badHandler) Handle(ctx context.Context, r slog.Record) error {
	h.Handler.Handle(ctx, r)
	return misbehave(h.how)
}

func (h badHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return badHandler{h.Handler.WithAttrs(a), h.how}
}

var (
	spinSink atomic.Int64
	garbage  []byte
)

// armOSSignal is the obvious design, kept to measure against: a goroutine
// parked on the channel of signal.Notify, and a listener that it opens.
func armOSSignal() error {
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGUSR2)
	go func() {
		for range c {
			serveOSSignal()
		}
	}()
	return nil
}

// A target is an armed process and the test's end of it.
type target struct {
	t    testing.TB
	cmd  *exec.Cmd
	pid  int
	path string
	log  *lockedBuffer
	in   io.WriteCloser
	out  *bufio.Reader
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// startTarget starts a target and waits until it is armed.
func startTarget(t testing.TB, flags ...string) *target {
	t.Helper()
	tg, first := launch(t, nil, flags...)
	if first != "ready" {
		t.Fatalf("the target says %q\n%s", first, tg.log)
	}
	return tg
}

// launch starts a target through the wrapper, if any, and returns its first
// words.
func launch(t testing.TB, wrapper []string, flags ...string) (*target, string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return launchCopy(t, exe, wrapper, flags...)
}

// launchCopy does the same with a copy of the test binary.
func launchCopy(t testing.TB, exe string, wrapper []string, flags ...string) (*target, string) {
	t.Helper()
	args := append(append(append([]string{}, wrapper...), strings.Fields(os.Getenv(emulatorEnv))...), exe)
	args = append(args, flags...)
	return launchCommand(t, exec.Command(args[0], args[1:]...), flags...)
}

// launchCommand does it with a command that has these flags. Its stderr is the
// target's log unless it is somewhere already.
func launchCommand(t testing.TB, cmd *exec.Cmd, flags ...string) (*target, string) {
	t.Helper()
	cmd.Env = append(os.Environ(), targetEnv+"=1")
	tg := &target{t: t, cmd: cmd, log: new(lockedBuffer)}
	if cmd.Stderr == nil {
		cmd.Stderr = tg.log
	}
	var err error
	if tg.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	tg.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tg.pid = cmd.Process.Pid
	tg.path = "/tmp/manhole-" + strconv.Itoa(tg.pid)
	for i, f := range flags {
		if f == "-path" {
			tg.path = flags[i+1]
		}
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.Remove(tg.path)
		if t.Failed() {
			t.Logf("the target's log:\n%s", tg.log)
		}
	})
	line, _ := tg.out.ReadString('\n')
	return tg, strings.TrimSpace(line)
}

// ask sends the target a line and returns its answer.
func (tg *target) ask(line string) string {
	tg.t.Helper()
	fmt.Fprintln(tg.in, line)
	answer, err := tg.out.ReadString('\n')
	if err != nil {
		tg.cmd.Process.Kill() // if it has not ended
		tg.t.Fatalf("the target does not answer %q: %v (%v)\n%s", line, err, tg.cmd.Wait(), tg.log)
	}
	return strings.TrimSpace(answer)
}

func (tg *target) askInt(line string) int {
	tg.t.Helper()
	answer := tg.ask(line)
	n, err := strconv.Atoi(answer)
	if err != nil {
		tg.t.Fatalf("%s: %v", line, err)
	}
	return n
}

func (tg *target) signal(sig syscall.Signal) {
	tg.t.Helper()
	if err := syscall.Kill(tg.pid, sig); err != nil {
		tg.t.Fatal(err)
	}
}

func (tg *target) ring() { tg.t.Helper(); tg.signal(unix.SIGUSR2) }
