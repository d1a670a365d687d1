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
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/google/gops/agent"
	"golang.org/x/sys/unix"
)

var roles = lazytest.Roles{"target": targetMain}

func TestMain(m *testing.M) {
	lazytest.Play(roles)
	os.Exit(m.Run())
}

// A target is this test binary as an armed program.
type target struct {
	*lazytest.Process
	t testing.TB
}

// startTarget starts a target and waits until it is armed. The flags are those
// of targetMain.
func startTarget(t testing.TB, flags ...string) *target {
	t.Helper()
	return launch(t, nil, flags...).ready()
}

// launch starts a target through the wrapper, if any, and lets it fail.
func launch(t testing.TB, wrapper []string, flags ...string) *target {
	t.Helper()
	return launchCommand(t, lazytest.Wrap(lazytest.Command(lazytest.Exe(t), flags...), wrapper...))
}

// launchCommand does so with a command that ends with the flags.
func launchCommand(t testing.TB, cmd *exec.Cmd) *target {
	t.Helper()
	tg := &target{lazytest.Launch(t, "target", cmd), t}
	if i := slices.Index(cmd.Args, "-path"); i >= 0 {
		tg.Path = cmd.Args[i+1]
	}
	return tg
}

func (tg *target) ready() *target {
	tg.Ready()
	return tg
}

// resting returns the footprint once the last session is over for the target
// too. With os/signal the doorbell's goroutine ends it, so that the number of
// goroutines alone does not show that.
func (tg *target) resting() lazytest.Footprint { return tg.Resting(1 + idleGoroutines) }

// targetMain does what its flags say, prints "ready", and answers one line to
// each that it reads.
func targetMain() {
	var (
		design = flag.String("design", "lazy", "what answers: lazy, ossignal, gops or nothing")
		path   = flag.String("path", "", "WithPath")
		signo  = flag.Int("signal", 0, "WithSignal")
		accept = flag.Duration("accept-timeout", 0, "WithAcceptTimeout")
		idle   = flag.Duration("idle-timeout", 0, "WithIdleTimeout")
		most   = flag.Duration("max-duration", 0, "WithMaxDuration")
		ro     = flag.Bool("readonly", false, "WithReadOnly")
		same   = flag.Bool("same-uid", false, "WithSameEffectiveUID, from the line arm on")
		deny   = flag.String("deny", "", "WithCheck that refuses with these words")
		spin   = flag.Int("spin", 0, "goroutines that burn CPU")
		park   = flag.Int("park", 0, "goroutines that wait on a channel")
		notify = flag.String("notify", "", "signal.Notify for SIGUSR2, before or after Arm")
		execs  = flag.Bool("exec", false, "start processes all the time")
		gc     = flag.Bool("gc", false, "make and collect garbage all the time")
		nofile = flag.Bool("nofile", false, "take every descriptor after Arm")
		check  = flag.String("check", "", "WithCheck that misbehaves: panic, goexit, hang or nilerr")
		logger = flag.String("logger", "", "WithLogger that misbehaves: panic, goexit or hang, in Handle or another method that follows it")
		ignore = flag.Bool("ignore-all", false, "signal.Ignore of everything before Arm")
		stay   = flag.Bool("stay", false, "go on without stdin")
		before = flag.String("before", "", "what the program does before Arm, see beforeArm")
		early  = flag.Bool("early", false, "use the poller and a timer before Arm, as most programs do")
	)
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))

	var notified atomic.Int64
	notifyProgram := func() {
		c := make(chan os.Signal, 1024)
		signal.Notify(c, unix.SIGUSR2)
		go func() {
			for range c {
				notified.Add(1)
			}
		}()
	}
	if *notify == "before" {
		notifyProgram()
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

	again := false
	arm := func() error {
		var o []lazy.Option
		if *same && again {
			o = append(o, lazy.WithSameEffectiveUID())
		}
		again = true
		if *path != "" {
			o = append(o, lazy.WithPath(*path))
		}
		if *signo != 0 {
			o = append(o, lazy.WithSignal(syscall.Signal(*signo)))
		}
		if *accept != 0 {
			o = append(o, lazy.WithAcceptTimeout(*accept))
		}
		if *idle != 0 {
			o = append(o, lazy.WithIdleTimeout(*idle))
		}
		if *most != 0 {
			o = append(o, lazy.WithMaxDuration(*most))
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
	beforeArm(*before)
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
		notifyProgram()
	}

	lazytest.Spin(*spin)
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
		lazytest.TakeDescriptors()
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
			notifyProgram()
			fmt.Println("notifying")
		case "stacks":
			buf := make([]byte, 1<<20)
			s, _ := json.Marshal(string(buf[:runtime.Stack(buf, true)]))
			fmt.Println(string(s))
		default:
			fmt.Println(hostDoes(in.Text()))
		}
	}
}

func misbehave(how string) error {
	switch how, _, _ = strings.Cut(how, " "); how {
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

// A badHandler writes to the log, and then misbehaves; or it misbehaves in the
// method that how names after its first word.
type badHandler struct {
	slog.Handler
	how string
}

func (h badHandler) in(method string) error {
	if _, where, _ := strings.Cut(h.how, " "); where == method {
		return misbehave(h.how)
	}
	return nil
}

func (h badHandler) Enabled(ctx context.Context, l slog.Level) bool {
	h.in("Enabled")
	return h.Handler.Enabled(ctx, l)
}

func (h badHandler) Handle(ctx context.Context, r slog.Record) error {
	h.Handler.Handle(ctx, r)
	return h.in("")
}

func (h badHandler) WithAttrs(a []slog.Attr) slog.Handler {
	h.in("WithAttrs")
	return badHandler{h.Handler.WithAttrs(a), h.how}
}

func (h badHandler) WithGroup(name string) slog.Handler {
	h.in("WithGroup")
	return badHandler{h.Handler.WithGroup(name), h.how}
}

var garbage []byte

// armOSSignal is the obvious design, to compare with: a goroutine parked on the
// channel of signal.Notify, which opens a listener.
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
