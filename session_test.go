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
)

func itoa(n int) string { return strconv.Itoa(n) }

// A person gets the greeting, statistics, stacks and a prompt, and everything
// is gone after quit.
func TestPerson(t *testing.T) {
	t.Parallel()
	tg := startTarget(t, "-park", "7")
	tg.ring()
	c := tg.dial()
	got := until(t, c, prompt)
	wants(t, got, "lazy: pid "+itoa(tg.pid), "you are uid "+itoa(os.Geteuid())+" (pid "+itoa(os.Getpid())+")",
		"goroutines: ", "GOMAXPROCS: ", "OS threads: ", "num CPU: ", "chan receive", "targetMain")
	if strings.Contains(got, "lazy.(*session)") || strings.Contains(got, "lazy.(*manhole)") {
		t.Errorf("the session shows its own goroutines:\n%s", got)
	}
	io.WriteString(c, "version\r\n")
	wants(t, until(t, c, prompt), "go1.")
	io.WriteString(c, "\n")
	until(t, c, "lazy> ")
	io.WriteString(c, "nonsense\n")
	wants(t, until(t, c, prompt), "lazy: error: nonsense", "help")
	io.WriteString(c, "echo a  b\n")
	wants(t, until(t, c, prompt), "a b\n")
	io.WriteString(c, "quit\n")
	rest(t, c)
	tg.gone()
	tg.logged("session over")
	wants(t, tg.log.String(), "kind=person", "uid="+itoa(os.Geteuid()), "pid="+itoa(os.Getpid()), "duration=")
}

// A script gets its answers and nothing else.
func TestScript(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	got := tg.script("version\nstats\nversion")
	if !regexp.MustCompile(`^go1\S*\ngoroutines: \d+\nOS threads: \d+\nGOMAXPROCS: \d+\nnum CPU: \d+\ngo1\S*\n$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
	got = tg.script("\n\nbogus\nversion\nquit\nversion\n")
	if !regexp.MustCompile(`^lazy: error: bogus[^\n]*\ngo1\S*\n$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
	tg.gone()
}

// Who ends the input without a word gets the report.
func TestEmptyInput(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	got := tg.script("")
	wants(t, got, "lazy: pid ", "goroutines: ", "targetMain")
	if strings.Contains(got, "lazy> ") {
		t.Errorf("a prompt for nobody:\n%s", got)
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
		if got := tg.script(op); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("byte %q: got %q, want %s", op, got, want)
		}
	}
}

// The commands of the README, with the tools that people have.
func TestNcAndSocat(t *testing.T) {
	t.Parallel()
	tool(t, "nc")
	tool(t, "socat")
	tg := startTarget(t)
	for line, want := range map[string]string{
		`echo stats | nc -N -U /tmp/manhole-$PID`:                           `^goroutines: \d+\nOS threads: \d+\nGOMAXPROCS: \d+\nnum CPU: \d+\n$`,
		`printf '\007' | nc -N -U /tmp/manhole-$PID`:                        `^goroutines: \d+\nOS threads: \d+\nGOMAXPROCS: \d+\nnum CPU: \d+\n$`,
		`nc -N -U /tmp/manhole-$PID </dev/null`:                             `(?s)^lazy: pid .*targetMain`,
		`(sleep 1; echo quit) | nc -U /tmp/manhole-$PID`:                    `(?s)^lazy: pid .*targetMain.*lazy> `,
		`printf 'version\nquit\n' | socat - unix-connect:/tmp/manhole-$PID`: `^go1\S*\n$`,
	} {
		got, err := tg.shell(rungAndThere("/tmp/manhole-$PID") + line)
		if err != nil || !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: %v\n%s", line, err, got)
		}
		tg.gone()
	}
}

// A second peer is told who is there, and disturbs nobody.
func TestBusy(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.ring()
	first := tg.dial()
	until(t, first, prompt)
	tg.ring() // harmless
	got := rest(t, tg.dial())
	if !regexp.MustCompile(fmt.Sprintf(`^lazy: busy: session held by uid %d \(pid %d\) since .* ago\).*\n$`, os.Geteuid(), os.Getpid())).MatchString(got) {
		t.Errorf("got %q", got)
	}
	io.WriteString(first, "version\n")
	wants(t, until(t, first, prompt), "go1.")
	io.WriteString(first, "block\n")
	until(t, first, "blocking\n")
	wants(t, rest(t, tg.dial()), "lazy: busy:")
	first.Close()
	tg.gone()
	wants(t, tg.script("version\n"), "go1.")
}

// After half-close what was sent is still answered.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.ring()
	c := tg.dial()
	until(t, c, prompt)
	io.WriteString(c, "echo one\necho two\necho thr")
	c.CloseWrite()
	wants(t, rest(t, c), "one\n", "two\n", "thr\n")
	tg.gone()
}

// Whatever happens to a peer or a command, nothing stays but the doorbell.
func TestNothingLeftBehind(t *testing.T) {
	t.Parallel()
	tg := startTarget(t, "-idle", "2s", "-longest", "8s", "-wait", "1s")
	// The first session starts what a process starts once: threads, the
	// poller, caches.
	tg.script("stats\nstack\n")
	tg.gone()
	before := tg.resting()
	for _, test := range []struct {
		name string
		do   func(t *testing.T, c net.Conn)
		log  string
	}{
		{"quit", func(t *testing.T, c net.Conn) { io.WriteString(c, "quit\n"); rest(t, c) }, "err=<nil>"},
		{"close at the prompt", func(t *testing.T, c net.Conn) { until(t, c, prompt); c.Close() }, ""},
		{"close at once", func(t *testing.T, c net.Conn) { c.Close() }, ""},
		{"close during a command", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "block\n")
			until(t, c, "blocking\n")
			c.Close()
		}, "the peer has gone"},
		{"silence", func(t *testing.T, c net.Conn) { wants(t, rest(t, c), "lazy: closing: ") }, ""},
		{"longest", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "block\n")
			wants(t, rest(t, c), "lazy: closing: ")
		}, "the longest time"},
		{"panic", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "panic\necho still here\nquit\n")
			wants(t, rest(t, c), "lazy: error: panic", "on purpose", "still here")
		}, "on purpose"},
		{"goexit", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "goexit\necho still here\nquit\n")
			wants(t, rest(t, c), "lazy: error: goexit", "still here")
		}, ""},
		{"never reads", func(t *testing.T, c net.Conn) {
			io.WriteString(c, "flood\n")
			tg.gone()
			c.Close()
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			tg.ring()
			test.do(t, tg.dial())
			tg.gone()
			tg.settles(before)
			if test.log != "" {
				tg.logged(test.log)
			}
			wants(t, tg.script("version\n"), "go1.")
			tg.gone()
		})
	}
	t.Run("nobody comes", func(t *testing.T) {
		tg.ring()
		eventually(t, "the socket is there", func() bool { _, err := os.Lstat(tg.path); return err == nil })
		tg.gone()
		tg.logged("nobody came")
		tg.settles(before)
	})
}

// A command that never returns loses its session, and the next ring works.
func TestStuckCommand(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.ring()
	c := tg.dial()
	io.WriteString(c, "stuck\n")
	time.Sleep(200 * time.Millisecond)
	c.Close()
	tg.gone()
	tg.logged("left running")
	wants(t, tg.script("version\n"), "go1.")
}

// A thousand sessions in a row leave nothing behind.
func TestThousandSessions(t *testing.T) {
	n := 1000
	if testing.Short() || os.Getenv(emulatorEnv) != "" {
		n = 50
	}
	tg := startTarget(t)
	for range 10 {
		tg.script("stats\nstack\n")
	}
	tg.gone()
	before := tg.resting()
	for i := range n {
		if got := tg.script("version\n"); !strings.HasPrefix(got, "go1.") {
			t.Fatalf("session %d: %q", i, got)
		}
	}
	tg.gone()
	tg.settles(before)
}

// Ten thousand rings under load and garbage collection, while the program
// starts processes and is notified itself, break nothing.
func TestStorm(t *testing.T) {
	n := 10000
	if testing.Short() || os.Getenv(emulatorEnv) != "" {
		n = 500
	}
	tg := startTarget(t, "-spin", "4", "-gc", "-exec", "-notify", "after", "-wait", "100ms")
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 20 {
			c, err := net.Dial("unix", tg.path)
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
		tg.ring()
		time.Sleep(50 * time.Microsecond)
	}
	wg.Wait()
	if n := tg.askInt("notified"); n == 0 {
		t.Error("the program's own channel got nothing")
	}
	var got string
	eventually(t, "a session answers after the storm", func() bool {
		tg.ring()
		c, err := net.Dial("unix", tg.path)
		if err != nil {
			return false
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
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
	tg.ring()
	c := tg.dial()
	wants(t, until(t, c, prompt), "goroutines: 50")
	io.WriteString(c, "echo hello\n")
	wants(t, until(t, c, prompt), "hello")
	io.WriteString(c, "quit\n")
	rest(t, c)
	tg.gone()
}

// The program's own notification works, whichever came first, and after a
// session, Disarm and Arm.
func TestOwnNotify(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			tg := startTarget(t, "-notify", when)
			for i := 1; i <= 3; i++ {
				wants(t, tg.script("version\n"), "go1.")
				eventually(t, "the program is notified", func() bool { return tg.askInt("notified") == i })
			}
			if got := tg.ask("disarm"); got != "<nil>" {
				t.Fatal(got)
			}
			tg.ring()
			eventually(t, "the program is notified", func() bool { return tg.askInt("notified") == 4 })
			if _, err := os.Lstat(tg.path); err == nil {
				t.Error("a disarmed process opened its socket")
			}
			if got := tg.ask("arm"); got != "<nil>" {
				t.Fatal(got)
			}
			wants(t, tg.script("version\n"), "go1.")
		})
	}
}

// Disarm ends a session and removes everything, also right after a ring.
func TestDisarm(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.ring()
	c := tg.dial()
	until(t, c, prompt)
	if got := tg.ask("disarm"); got != "<nil>" {
		t.Error(got)
	}
	wants(t, rest(t, c), "lazy: closing: ")
	tg.gone()
	for range 20 {
		if got := tg.ask("arm"); got != "<nil>" {
			t.Fatal(got)
		}
		tg.ring()
		if got := tg.ask("disarm"); got != "<nil>" {
			t.Error(got)
		}
		if _, err := os.Lstat(tg.path); err == nil {
			t.Fatal("the socket is still there after Disarm")
		}
	}
	if got := tg.ask("disarm"); got != "<nil>" {
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
	tg.ring()
	tg.logged("can't be opened")
	os.Mkdir(dir, 0o700)
	eventually(t, "a later ring works", func() bool {
		tg.ring()
		_, err := os.Lstat(tg.path)
		return err == nil
	})
	c := tg.dial()
	until(t, c, prompt)
}

// What stands at the path is removed only if a dead process of ours left it.
func TestPathTaken(t *testing.T) {
	t.Parallel()
	t.Run("stale", func(t *testing.T) {
		tg := startTarget(t)
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tg.path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		wants(t, tg.script("version\n"), "go1.")
		tg.gone()
	})
	t.Run("alive", func(t *testing.T) {
		tg := startTarget(t)
		l, err := net.Listen("unix", tg.path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		tg.ring()
		tg.logged("somebody else listens")
		l.Close()
		wants(t, tg.script("version\n"), "go1.")
	})
	t.Run("not a socket", func(t *testing.T) {
		tg := startTarget(t)
		os.WriteFile(tg.path, []byte("precious"), 0o600)
		tg.ring()
		tg.logged("not a socket")
		if b, _ := os.ReadFile(tg.path); string(b) != "precious" {
			t.Errorf("the file was touched: %q", b)
		}
		os.Remove(tg.path)
		wants(t, tg.script("version\n"), "go1.")
	})
	t.Run("replaced before a peer came", func(t *testing.T) {
		tg := startTarget(t)
		tg.ring()
		eventually(t, "the socket is there", func() bool { _, err := os.Lstat(tg.path); return err == nil })
		os.Remove(tg.path)
		os.WriteFile(tg.path, []byte("precious"), 0o600)
		if got := tg.ask("disarm"); got != "<nil>" && !strings.Contains(got, "left alone") {
			t.Error(got)
		}
		if b, _ := os.ReadFile(tg.path); string(b) != "precious" {
			t.Errorf("the file was touched: %q", b)
		}
	})
	t.Run("replaced during the session", func(t *testing.T) {
		tg := startTarget(t)
		tg.ring()
		c := tg.dial()
		until(t, c, prompt)
		os.Remove(tg.path)
		os.WriteFile(tg.path, []byte("precious"), 0o600)
		io.WriteString(c, "quit\n")
		rest(t, c)
		tg.logged("left alone")
		if b, _ := os.ReadFile(tg.path); string(b) != "precious" {
			t.Errorf("the file was touched: %q", b)
		}
	})
}

// A process without a free descriptor answers all the same.
func TestDescriptorsExhausted(t *testing.T) {
	t.Parallel()
	tool(t, "sh")
	for range 3 {
		tg, first := launch(t, []string{"sh", "-c", `ulimit -n 64; exec "$@"`, "sh"}, "-nofile")
		if first != "ready" {
			t.Fatalf("%q\n%s", first, tg.log)
		}
		for range 5 {
			wants(t, tg.script("stats\nversion\n"), "goroutines: ", "go1.")
			tg.gone()
		}
		tg.ring()
		c := tg.dial()
		wants(t, until(t, c, prompt), "targetMain")
		c.Close()
		tg.gone()
		// A stale socket needs one more descriptor.
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tg.path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		wants(t, tg.script("version\n"), "go1.")
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
			got := tg.script("version\n")
			if !strings.HasPrefix(got, "lazy: refused: ") || !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
				t.Errorf("got %q", got)
			}
			wants(t, rest(t, tg.dial()), "lazy: refused: ")
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
				wants(t, tg.script("panic\nversion\n"), "on purpose", "go1.")
				tg.gone()
			}
			if got := tg.ask("disarm"); got != "<nil>" {
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
	tg.ring()
	tg.dial().Close() // it may be taken for somebody who only tries
	os.Remove(tg.path)
	eventually(t, "a later ring works", func() bool {
		tg.ring()
		_, err := os.Lstat(tg.path)
		return err == nil
	})
	wants(t, tg.script("version\n"), "go1.")
}

// WithCheck narrows the rule, WithReadOnly the commands, WithSignal the ring.
func TestOptions(t *testing.T) {
	t.Parallel()
	tg := startTarget(t, "-deny", "not on my watch")
	if got := tg.script("version\n"); got != "lazy: refused: not on my watch\n" {
		t.Errorf("got %q", got)
	}
	tg.logged("peer refused")
	if _, err := os.Lstat(tg.path); err != nil {
		t.Error("a refused peer used up the session:", err)
	}

	tg = startTarget(t, "-readonly")
	got := tg.script("gc\necho x\nversion\n")
	wants(t, got, "lazy: error: gc", "lazy: error: echo", "go1.")
}

// Ctrl-C ends the command and not the session, whether the command notices or
// not, and also in a process without a free processor.
func TestInterrupt(t *testing.T) {
	for _, spin := range []string{"0", "100"} {
		t.Run(spin+" spinning", func(t *testing.T) {
			tg := startTarget(t, "-spin", spin)
			tg.ring()
			c := tg.dial()
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
			tg.gone()
		})
	}
}
