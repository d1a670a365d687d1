//go:build linux || darwin || freebsd

package lazy_test

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

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

// A client that ends its input at once gets the report.
func TestEmptyInput(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	got := tg.Script("")
	lazytest.Wants(t, got, "lazy: pid ", "goroutines: ", "targetMain")
	if strings.Contains(got, "lazy> ") {
		t.Errorf("a prompt after the end of input:\n%s", got)
	}
}

// A command byte of gops gets the answer of gops's agent.
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

// The commands of the README, with nc and socat.
func TestNcAndSocat(t *testing.T) {
	t.Parallel()
	lazytest.Tool(t, "nc")
	lazytest.Tool(t, "socat")
	tg := startTarget(t)
	for line, want := range map[string]string{
		`echo stats | nc -N -U /tmp/manhole-$PID`:                           `^goroutines: \d+\nOS threads: \d+\nGOMAXPROCS: \d+\nnum CPU: \d+\n$`,
		`printf '\007' | nc -N -U /tmp/manhole-$PID`:                        `^goroutines: \d+\nOS threads: \d+\nGOMAXPROCS: \d+\nnum CPU: \d+\n$`,
		`nc -N -U /tmp/manhole-$PID </dev/null`:                             `(?s)^lazy: pid .*targetMain`,
		`(sleep 1; echo quit) | nc -U /tmp/manhole-$PID`:                    `(?s)^lazy: pid .*lazy: stack shows them all\nlazy> $`,
		`printf 'version\nquit\n' | socat - unix-connect:/tmp/manhole-$PID`: `^go1\S*\n$`,
	} {
		got, err := tg.Shell(lazytest.RingAndWait("/tmp/manhole-$PID") + line)
		if err != nil || !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: %v\n%s", line, err, got)
		}
		tg.Gone()
	}
}

// A second peer is turned away with the name of the first, which goes on.
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

// Lines sent before a half-close are answered.
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

// A session works while 500 goroutines use all cores. The benchmarks measure how
// fast.
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

// An interrupt ends the command and not the session, whether the command heeds
// its context or not, also in a saturated process.
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
