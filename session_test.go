//go:build linux || darwin || freebsd

package lazy_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// A person gets the greeting, statistics, stacks and a lazytest.Prompt, and everything
// is gone after quit.
func TestPerson(t *testing.T) {
	t.Parallel()
	tg := startTarget(t, "-park", "7")
	tg.Ring()
	c := tg.Dial()
	got := lazytest.Until(t, c, lazytest.Prompt)
	lazytest.Wants(t, got, "lazy: pid "+strconv.Itoa(tg.PID), "you are uid "+strconv.Itoa(os.Geteuid())+" (pid "+strconv.Itoa(os.Getpid())+")",
		"goroutines: ", "GOMAXPROCS: ", "OS threads: ", "num CPU: ", "chan receive", "targetMain")
	if strings.Contains(got, "lazy.(*session)") || strings.Contains(got, "lazy.(*manhole)") {
		t.Errorf("the session shows its own goroutines:\n%s", got)
	}
	io.WriteString(c, "version\r\n")
	lazytest.Wants(t, lazytest.Until(t, c, lazytest.Prompt), "go1.")
	io.WriteString(c, "\n")
	lazytest.Until(t, c, "lazy> ")
	io.WriteString(c, "nonsense\n")
	lazytest.Wants(t, lazytest.Until(t, c, lazytest.Prompt), "lazy: error: nonsense", "help")
	io.WriteString(c, "echo a  b\n")
	lazytest.Wants(t, lazytest.Until(t, c, lazytest.Prompt), "a b\n")
	io.WriteString(c, "quit\n")
	lazytest.Rest(t, c)
	tg.Gone()
	tg.Logged("session over")
	lazytest.Wants(t, tg.Log.String(), "kind=person", "uid="+strconv.Itoa(os.Geteuid()), "pid="+strconv.Itoa(os.Getpid()), "duration=")
}

// A script gets its answers and nothing else.
func TestScript(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	got := tg.Script("version\nstats\nversion")
	if !regexp.MustCompile(`^go1\S*\ngoroutines: \d+\nOS threads: \d+\nGOMAXPROCS: \d+\nnum CPU: \d+\ngo1\S*\n$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
	got = tg.Script("\n\nbogus\nversion\nquit\nversion\n")
	if !regexp.MustCompile(`^lazy: error: bogus[^\n]*\ngo1\S*\n$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
	tg.Gone()
}

// Who ends the input without a word gets the report.
func TestEmptyInput(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	got := tg.Script("")
	lazytest.Wants(t, got, "lazy: pid ", "goroutines: ", "targetMain")
	if strings.Contains(got, "lazy> ") {
		t.Errorf("a lazytest.Prompt for nobody:\n%s", got)
	}
}

// What gops's agent answers to a byte of its protocol.
func TestGopsProtocol(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	for op, want := range map[string]string{
		"\x01": `(?s)^goroutine \d+ .*targetMain`,
		"\x02": `^ok$`,
		"\x03": `(?s)^alloc: .*\ndebug-gc: false\n$`,
		"\x04": `^go1\S*\n$`,
		"\x07": `^goroutines: \d+\nOS threads: \d+\nGOMAXPROCS: \d+\nnum CPU: \d+\n$`,
	} {
		if got := tg.Script(op); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("byte %q: got %q, want %s", op, got, want)
		}
	}
}

// The commands of the README, with the tools that people have.
func TestNcAndSocat(t *testing.T) {
	t.Parallel()
	lazytest.Tool(t, "nc")
	lazytest.Tool(t, "socat")
	tg := startTarget(t)
	for line, want := range map[string]string{
		`echo stats | nc -N -U /tmp/manhole-$PID`:                           `^goroutines: \d+\nOS threads: \d+\nGOMAXPROCS: \d+\nnum CPU: \d+\n$`,
		`printf '\007' | nc -N -U /tmp/manhole-$PID`:                        `^goroutines: \d+\nOS threads: \d+\nGOMAXPROCS: \d+\nnum CPU: \d+\n$`,
		`nc -N -U /tmp/manhole-$PID </dev/null`:                             `(?s)^lazy: pid .*targetMain`,
		`(sleep 1; echo quit) | nc -U /tmp/manhole-$PID`:                    `(?s)^lazy: pid .*targetMain.*lazy> `,
		`printf 'version\nquit\n' | socat - unix-connect:/tmp/manhole-$PID`: `^go1\S*\n$`,
	} {
		got, err := tg.Shell(lazytest.RingAndWait("/tmp/manhole-$PID") + line)
		if err != nil || !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: %v\n%s", line, err, got)
		}
		tg.Gone()
	}
}

// A second peer is told who is there, and disturbs nobody.
func TestBusy(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.Ring()
	first := tg.Dial()
	lazytest.Until(t, first, lazytest.Prompt)
	tg.Ring() // harmless
	got := lazytest.Rest(t, tg.Dial())
	if !regexp.MustCompile(fmt.Sprintf(`^lazy: busy: session held by uid %d \(pid %d\) since .* ago\).*\n$`, os.Geteuid(), os.Getpid())).MatchString(got) {
		t.Errorf("got %q", got)
	}
	io.WriteString(first, "version\n")
	lazytest.Wants(t, lazytest.Until(t, first, lazytest.Prompt), "go1.")
	io.WriteString(first, "block\n")
	lazytest.Until(t, first, "blocking\n")
	lazytest.Wants(t, lazytest.Rest(t, tg.Dial()), "lazy: busy:")
	first.Close()
	tg.Gone()
	lazytest.Wants(t, tg.Script("version\n"), "go1.")
}

// After half-close what was sent is still answered.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.Ring()
	c := tg.Dial()
	lazytest.Until(t, c, lazytest.Prompt)
	io.WriteString(c, "echo one\necho two\necho thr")
	c.CloseWrite()
	lazytest.Wants(t, lazytest.Rest(t, c), "one\n", "two\n", "thr\n")
	tg.Gone()
}

// Whatever happens to a peer or a command, nothing stays but the doorbell.
func TestNothingLeftBehind(t *testing.T) {
	t.Parallel()
	tg := startTarget(t, "-idle-timeout", "2s", "-max-duration", "8s", "-accept-timeout", "1s")
	// The first session starts what a process starts once: threads, the
	// poller, caches.
	tg.Script("stats\nstack\n")
	tg.Gone()
	before := tg.resting()
	for _, test := range []struct {
		name string
		do   func(t *testing.T, c net.Conn)
		log  string
	}{
		{"quit", func(t *testing.T, c net.Conn) { io.WriteString(c, "quit\n"); lazytest.Rest(t, c) }, "err=<nil>"},
		{"close at the prompt", func(t *testing.T, c net.Conn) { lazytest.Until(t, c, lazytest.Prompt); c.Close() }, ""},
		{"close at once", func(t *testing.T, c net.Conn) { c.Close() }, ""},
		{"close during a command", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "block\n")
			lazytest.Until(t, c, "blocking\n")
			c.Close()
		}, "the peer closed the connection"},
		{"silence", func(t *testing.T, c net.Conn) { lazytest.Wants(t, lazytest.Rest(t, c), "lazy: closing: ") }, ""},
		{"maximum duration", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "block\n")
			lazytest.Wants(t, lazytest.Rest(t, c), "lazy: closing: ")
		}, "reached its maximum duration"},
		{"panic", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "panic\necho still here\nquit\n")
			lazytest.Wants(t, lazytest.Rest(t, c), "lazy: error: panic", "on purpose", "still here")
		}, "on purpose"},
		{"goexit", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "goexit\necho still here\nquit\n")
			lazytest.Wants(t, lazytest.Rest(t, c), "lazy: error: goexit", "still here")
		}, ""},
		{"never reads", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "flood\n")
			tg.Gone()
			c.Close()
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			tg.Ring()
			test.do(t, tg.Dial())
			tg.Gone()
			tg.Settles(before)
			if test.log != "" {
				tg.Logged(test.log)
			}
			lazytest.Wants(t, tg.Script("version\n"), "go1.")
			tg.Gone()
		})
	}
	t.Run("nobody comes", func(t *testing.T) {
		tg.Ring()
		tg.Opened()
		tg.Gone()
		tg.Logged("no client connected")
		tg.Settles(before)
	})
}

// A command that never returns loses its session, and the next ring works.
func TestStuckCommand(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.Ring()
	c := tg.Dial()
	io.WriteString(c, "stuck\n")
	time.Sleep(200 * time.Millisecond)
	c.Close()
	tg.Gone()
	tg.Logged("left running")
	lazytest.Wants(t, tg.Script("version\n"), "go1.")
}

// A thousand sessions in a row leave nothing behind.
func TestThousandSessions(t *testing.T) {
	n := 1000
	if testing.Short() || lazytest.Emulated() {
		n = 50
	}
	tg := startTarget(t)
	for range 10 {
		tg.Script("stats\nstack\n")
	}
	tg.Gone()
	before := tg.resting()
	for i := range n {
		if got := tg.Script("version\n"); !strings.HasPrefix(got, "go1.") {
			t.Fatalf("session %d: %q", i, got)
		}
	}
	tg.Gone()
	tg.Settles(before)
}

// Ten thousand rings under load and garbage collection, while the program
// starts processes and is notified itself, break nothing.
func TestStorm(t *testing.T) {
	n := 10000
	if testing.Short() || lazytest.Emulated() {
		n = 500
	}
	tg := startTarget(t, "-spin", "4", "-gc", "-exec", "-notify", "after", "-accept-timeout", "100ms")
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 20 {
			c, err := net.Dial("unix", tg.Path)
			if err != nil {
				time.Sleep(time.Duration(i) * time.Millisecond)
				continue
			}
			io.WriteString(c, "version\n")
			c.(*net.UnixConn).CloseWrite()
			io.Copy(io.Discard, c)
			c.Close()
		}
	})
	for range n {
		tg.Ring()
		time.Sleep(50 * time.Microsecond)
	}
	wg.Wait()
	if n := tg.AskInt("notified"); n == 0 {
		t.Error("the program's own channel got nothing")
	}
	var got string
	lazytest.Eventually(t, "a session answers after the storm", func() bool {
		tg.Ring()
		c, err := net.Dial("unix", tg.Path)
		if err != nil {
			return false
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(lazytest.Patience))
		io.WriteString(c, "version\n")
		c.(*net.UnixConn).CloseWrite()
		b, _ := io.ReadAll(c)
		got = string(b)
		return strings.HasPrefix(got, "go1.")
	})
}

// With 500 goroutines on all cores the session works as ever. (How fast is
// the benchmarks' business.)
func TestSaturated(t *testing.T) {
	tg := startTarget(t, "-spin", "500")
	tg.Ring()
	c := tg.Dial()
	lazytest.Wants(t, lazytest.Until(t, c, lazytest.Prompt), "goroutines: 50")
	io.WriteString(c, "echo hello\n")
	lazytest.Wants(t, lazytest.Until(t, c, lazytest.Prompt), "hello")
	io.WriteString(c, "quit\n")
	lazytest.Rest(t, c)
	tg.Gone()
}

// The program's own notification works, whichever came first, and after a
// session, Disarm and Arm.
func TestOwnNotify(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			tg := startTarget(t, "-notify", when)
			for i := 1; i <= 3; i++ {
				lazytest.Wants(t, tg.Script("version\n"), "go1.")
				lazytest.Eventually(t, "the program is notified", func() bool { return tg.AskInt("notified") == i })
			}
			if got := tg.Ask("disarm"); got != "<nil>" {
				t.Fatal(got)
			}
			tg.Ring()
			lazytest.Eventually(t, "the program is notified", func() bool { return tg.AskInt("notified") == 4 })
			if _, err := os.Lstat(tg.Path); err == nil {
				t.Error("a disarmed process opened its socket")
			}
			if got := tg.Ask("arm"); got != "<nil>" {
				t.Fatal(got)
			}
			lazytest.Wants(t, tg.Script("version\n"), "go1.")
		})
	}
}

// Disarm ends a session and removes everything, also right after a ring.
func TestDisarm(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.Ring()
	c := tg.Dial()
	lazytest.Until(t, c, lazytest.Prompt)
	if got := tg.Ask("disarm"); got != "<nil>" {
		t.Error(got)
	}
	lazytest.Wants(t, lazytest.Rest(t, c), "lazy: closing: ")
	tg.Gone()
	for range 20 {
		if got := tg.Ask("arm"); got != "<nil>" {
			t.Fatal(got)
		}
		tg.Ring()
		if got := tg.Ask("disarm"); got != "<nil>" {
			t.Error(got)
		}
		if _, err := os.Lstat(tg.Path); err == nil {
			t.Fatal("the socket is still there after Disarm")
		}
	}
	if got := tg.Ask("disarm"); got != "<nil>" {
		t.Error("Disarm of an unarmed process:", got)
	}
}

// A directory that vanished is logged, and the next ring works.
func TestDirectoryVanishes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "d")
	os.Mkdir(dir, 0o700)
	tg := startTarget(t, "-path", filepath.Join(dir, "s"))
	os.Remove(dir)
	tg.Ring()
	tg.Logged("cannot open the socket")
	os.Mkdir(dir, 0o700)
	lazytest.Eventually(t, "a later ring works", func() bool {
		tg.Ring()
		_, err := os.Lstat(tg.Path)
		return err == nil
	})
	c := tg.Dial()
	lazytest.Until(t, c, lazytest.Prompt)
}

// What stands at the path is removed only if a dead process of ours left it.
func TestPathTaken(t *testing.T) {
	t.Parallel()
	t.Run("stale", func(t *testing.T) {
		tg := startTarget(t)
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tg.Path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		lazytest.Wants(t, tg.Script("version\n"), "go1.")
		tg.Gone()
	})
	t.Run("alive", func(t *testing.T) {
		tg := startTarget(t)
		l, err := net.Listen("unix", tg.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		tg.Ring()
		tg.Logged("another process listens")
		l.Close()
		lazytest.Wants(t, tg.Script("version\n"), "go1.")
	})
	t.Run("not a socket", func(t *testing.T) {
		tg := startTarget(t)
		os.WriteFile(tg.Path, []byte("precious"), 0o600)
		tg.Ring()
		tg.Logged("not a socket")
		if b, _ := os.ReadFile(tg.Path); string(b) != "precious" {
			t.Errorf("the file was touched: %q", b)
		}
		os.Remove(tg.Path)
		lazytest.Wants(t, tg.Script("version\n"), "go1.")
	})
	t.Run("replaced before a peer came", func(t *testing.T) {
		tg := startTarget(t)
		tg.Ring()
		tg.Opened()
		os.Remove(tg.Path)
		os.WriteFile(tg.Path, []byte("precious"), 0o600)
		if got := tg.Ask("disarm"); got != "<nil>" && !strings.Contains(got, "left alone") {
			t.Error(got)
		}
		if b, _ := os.ReadFile(tg.Path); string(b) != "precious" {
			t.Errorf("the file was touched: %q", b)
		}
	})
	t.Run("replaced during the session", func(t *testing.T) {
		tg := startTarget(t)
		tg.Ring()
		c := tg.Dial()
		lazytest.Until(t, c, lazytest.Prompt)
		os.Remove(tg.Path)
		os.WriteFile(tg.Path, []byte("precious"), 0o600)
		io.WriteString(c, "quit\n")
		lazytest.Rest(t, c)
		tg.Logged("left alone")
		if b, _ := os.ReadFile(tg.Path); string(b) != "precious" {
			t.Errorf("the file was touched: %q", b)
		}
	})
}

// A process without a free descriptor answers all the same.
func TestDescriptorsExhausted(t *testing.T) {
	t.Parallel()
	lazytest.Tool(t, "sh")
	for range 3 {
		tg := launch(t, []string{"sh", "-c", `ulimit -n 64; exec "$@"`, "sh"}, "-nofile").ready()
		for range 5 {
			lazytest.Wants(t, tg.Script("stats\nversion\n"), "goroutines: ", "go1.")
			tg.Gone()
		}
		tg.Ring()
		c := tg.Dial()
		lazytest.Wants(t, lazytest.Until(t, c, lazytest.Prompt), "targetMain")
		c.Close()
		tg.Gone()
		// A stale socket needs one more descriptor.
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tg.Path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		lazytest.Wants(t, tg.Script("version\n"), "go1.")
	}
}

// A check that misbehaves refuses the peer, and the next one is asked again.
func TestBadCheck(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]string{
		"panic":  "panicked: on purpose",
		"goexit": "runtime.Goexit",
		"hang":   "did not return within 2s",
		"nilerr": "panicked",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			tg := startTarget(t, "-check", how)
			got := tg.Script("version\n")
			if !strings.HasPrefix(got, "lazy: refused: ") || !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
				t.Errorf("got %q", got)
			}
			lazytest.Wants(t, lazytest.Rest(t, tg.Dial()), "lazy: refused: ")
		})
	}
}

// A logger that misbehaves breaks neither the program nor the next session.
func TestBadLogger(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"panic", "goexit", "hang"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			tg := startTarget(t, "-logger", how)
			for range 3 {
				lazytest.Wants(t, tg.Script("panic\nversion\n"), "on purpose", "go1.")
				tg.Gone()
			}
			if got := tg.Ask("disarm"); got != "<nil>" {
				t.Error(got)
			}
		})
	}
}

// When the socket is removed while it waits for a peer, the next ring opens
// another.
func TestSocketRemoved(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.Ring()
	tg.Dial().Close() // it may be taken for somebody who only tries
	os.Remove(tg.Path)
	lazytest.Eventually(t, "a later ring works", func() bool {
		tg.Ring()
		_, err := os.Lstat(tg.Path)
		return err == nil
	})
	lazytest.Wants(t, tg.Script("version\n"), "go1.")
}

// WithCheck narrows the rule, WithReadOnly the commands, WithSignal the ring.
func TestOptions(t *testing.T) {
	t.Parallel()
	tg := startTarget(t, "-deny", "not on my watch")
	if got := tg.Script("version\n"); got != "lazy: refused: not on my watch\n" {
		t.Errorf("got %q", got)
	}
	tg.Logged("peer refused")
	if _, err := os.Lstat(tg.Path); err != nil {
		t.Error("a refused peer used up the session:", err)
	}

	tg = startTarget(t, "-readonly")
	got := tg.Script("gc\necho x\nversion\n")
	lazytest.Wants(t, got, "lazy: error: gc", "lazy: error: echo", "go1.")
}

// Ctrl-C ends the command and not the session, whether the command notices or
// not, and also in a process without a free processor.
func TestInterrupt(t *testing.T) {
	for _, spin := range []string{"0", "100"} {
		t.Run(spin+" spinning", func(t *testing.T) {
			tg := startTarget(t, "-spin", spin)
			tg.Ring()
			c := tg.Dial()
			io.WriteString(c, frame.Preface+" progress\n")
			answer := func(until ...frame.Kind) string {
				for {
					f, err := frame.Read(c)
					if err != nil {
						t.Fatal(err)
					}
					if slices.Contains(until, f.Kind) {
						return string(f.Payload)
					}
				}
			}
			ask := func(k frame.Kind, id uint32, text string) {
				t.Helper()
				if err := frame.Write(c, frame.Frame{Kind: k, ID: id, Payload: []byte(text)}); err != nil {
					t.Fatal(err)
				}
			}
			answer(frame.Hello)
			for i, line := range []string{"block", "flood"} {
				id := uint32(i + 1)
				ask(frame.Line, id, line)
				answer(frame.Output)
				ask(frame.Interrupt, id, "")
				if got := answer(frame.Failed); got != line+": interrupted" {
					t.Errorf("%q", got)
				}
				answer(frame.Done)
			}
			ask(frame.Line, 3, "echo still here")
			if got := answer(frame.Output); got != "still here\n" {
				t.Errorf("%q", got)
			}
			answer(frame.Done)
			c.Close()
			tg.Gone()
		})
	}
}
