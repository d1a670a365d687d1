package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/words"
	"github.com/google/gops/signal"
)

func TestScriptGetsTheAnswersOnly(t *testing.T) {
	leavesNothing(t)
	got := talk(t, Config{Greeting: "lazy: hello\n"}, "version\n")
	if want := runtime.Version() + "\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPersonIsGreeted(t *testing.T) {
	leavesNothing(t)
	got := talkTo(t, person, Config{Greeting: "lazy: hello\n"}, "version\n")
	order := []string{"lazy: hello\n", "goroutines: ", "OS threads: ", "memory: ", "GC: ", "goroutine", "lazy> ", runtime.Version(), "\nlazy> \n"}
	rest := got
	for _, want := range order {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("no %q in its place in:\n%s", want, got)
		}
		rest = after
	}
	if rest != "" {
		t.Errorf("%q behind the end", rest)
	}
}

func TestReport(t *testing.T) {
	leavesNothing(t)
	ours, theirs := pair(t)
	theirs.CloseWrite()
	go func() {
		if kind, err := Serve(context.Background(), ours, Config{Greeting: "lazy: hello\n"}); kind != "report" || err != nil {
			t.Error(kind, err)
		}
		ours.Close()
	}()
	got, _ := io.ReadAll(theirs)
	if !bytes.HasPrefix(got, []byte("lazy: hello\n\ngoroutines: ")) || bytes.Contains(got, []byte(prompt)) {
		t.Errorf("got:\n%s", got)
	}
}

func TestOddLines(t *testing.T) {
	leavesNothing(t)
	v := runtime.Version() + "\n"
	long := strings.Repeat("x", maxLine+1)
	for _, test := range []struct{ name, input, want string }{
		{"nothing", "", ""},
		{"empty lines", "\n\r\n \t \nversion\n", v},
		{"CRLF", "version\r\nversion\r\n", v + v},
		{"end of input in the line", "version\nversion", v + v},
		{"end of input after CR", "version\r", v},
		{"quit", "version\nquit\nversion\n", v},
		{"of the client", "print x\nversion\n", "lazy: error: print: this is a command of manhole-poke; leave this session, and try manhole-poke PID print x\n" + v},
		{"unknown", "bogus\nversion\n", "lazy: error: bogus: no such command; try help\n" + v},
		{"not UTF-8", "\xff\xfe\x00\x1b[31m\nversion\n", `lazy: error: "\xff\xfe\x00\x1b[31m": no such command; try help` + "\n" + v},
		{"open quote", "stack 'x\nversion\n", "lazy: error: line: " + words.ErrUnclosed.Error() + "\n" + v},
		{"a line as one word", "'stats x'\nversion\n", "lazy: error: stats: takes no arguments\n" + v},
		{"a form as one word", "'stack -n' 1\nversion\n", "lazy: error: stack -n: no such command, because the quotes make it one word; try stack -n 1\n" + v},
		{"exit", "version\nexit\nversion\n", v},
		{"a question mark", "? version\n", "version\n  the Go version it was built with\n\n  for example: version\n"},
		{"help as an option", "version --help\n", "version\n  the Go version it was built with\n\n  for example: version\n"},
		{"a slip", "verison\nversion\n", "lazy: error: verison: no such command; try version, or help\n" + v},
		{"a slip with arguments", "stcak -match 'a b'\n", "lazy: error: stcak: no such command; try stack -match 'a b', or help\n"},
		{"the word of another tool", "heap\n", "lazy: error: heap: no such command; try pprof-heap -top, or help\n"},
		{"help on a slip", "help verison\n", "lazy: error: help: verison: no such command; try version, or help\n"},
		{"a bare pattern", "stack -n 1 main.f(\n", "lazy: error: stack: unexpected argument main.f(; try stack -n 1 -match 'main\\.f\\(', or one of full, diff, raw and json\n"},
		{"a bare id", "stack 17\n", "lazy: error: stack: unexpected argument 17; try stack -id 17, or one of full, diff, raw and json\n"},
		{"a bare number of groups", "stack -5\n", "lazy: error: stack: unexpected argument -5; try stack -n 5, or one of full, diff, raw and json\n"},
		{"a bare state", "stack select\n", "lazy: error: stack: unexpected argument select; try stack -state select, or one of full, diff, raw and json\n"},
		{"arguments", "stats x\n", "lazy: error: stats: takes no arguments\n"},
		{"long line", long + "\nversion\n", "lazy: error: line: " + errLong.Error() + "\n" + v},
		{"long line, CRLF", long + "\r\nversion\n", "lazy: error: line: " + errLong.Error() + "\n" + v},
		{"very long line", strings.Repeat(long, 100) + "\nversion\n", "lazy: error: line: " + errLong.Error() + "\n" + v},
		{"long last line", strings.Repeat(long, 3), "lazy: error: line: " + errLong.Error() + "\n"},
		{"longest line", "version" + strings.Repeat(" ", maxLine-len("version")) + "\r\n", v},
		{"long word", strings.Repeat("x", 100) + "\n", "lazy: error: " + strings.Repeat("x", 64) + "...: no such command; try help\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := talk(t, Config{}, test.input); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestSilence(t *testing.T) {
	testSilence(t, person)
	testSilence(t, script)
}

func testSilence(t *testing.T, serve func(context.Context, Conn, Config) error) {
	leavesNothing(t)
	ours, theirs := pair(t)
	ended := make(chan error, 1)
	go func() {
		ended <- serve(context.Background(), ours, Config{Idle: 20 * time.Millisecond})
		ours.Close()
	}()
	got, _ := io.ReadAll(theirs)
	if err := <-ended; !errors.Is(err, ErrIdle) {
		t.Errorf("got %v", err)
	}
	if !strings.HasSuffix(string(got), "lazy: closing: "+ErrIdle.Error()+"\n") {
		t.Errorf("got %q", got)
	}
}

func TestEndedFromOutside(t *testing.T) {
	leavesNothing(t)
	cause := errors.New("disarmed")
	for _, input := range []string{"", "version\n", "patient\n"} {
		ours, theirs := pair(t)
		io.WriteString(theirs, input)
		ctx, cancel := context.WithCancelCause(context.Background())
		ended := make(chan error, 1)
		running := make(chan struct{}, 1)
		go func() {
			ended <- person(ctx, ours, Config{Greeting: "\n", Commands: []Command{
				{"patient", "", func(ctx context.Context, w io.Writer, _ []string) error {
					running <- struct{}{}
					<-ctx.Done()
					return ctx.Err()
				}},
			}})
			ours.Close()
		}()
		if input == "patient\n" {
			go io.Copy(io.Discard, io.LimitReader(theirs, 1<<16))
			<-running
		}
		cancel(cause)
		if err := <-ended; err != cause {
			t.Errorf("after %q: %v", input, err)
		}
	}
}

// TestServe finds out what the peer is, with a connection that cannot peek.
func TestServe(t *testing.T) {
	for _, test := range []struct{ kind, said, want string }{
		{"person", "", prompt},
		{"script", "version\n", "go"},
		{"script", "\n", ""},
		{"gops", string([]byte{signal.Version}), "go"},
		{"manhole-poke", frame.Preface + "\n", "H\x00\x00\x00\x00"},
		{"report", "", "\ngoroutines: "},
	} {
		t.Run(test.kind, func(t *testing.T) {
			leavesNothing(t)
			ours, theirs := pair(t)
			io.WriteString(theirs, test.said)
			if test.kind != "person" {
				theirs.CloseWrite()
			}
			ended := make(chan string, 1)
			go func() {
				kind, err := Serve(context.Background(), ours, Config{})
				if err != nil {
					t.Error(err)
				}
				ours.Close()
				ended <- kind
			}()
			var got bytes.Buffer
			if test.kind == "person" {
				await(t, theirs, test.want)
				theirs.CloseWrite()
			}
			io.Copy(&got, theirs)
			if test.kind != "person" && !strings.HasPrefix(got.String(), test.want) {
				t.Errorf("%q", got.String())
			}
			if kind := <-ended; kind != test.kind {
				t.Errorf("taken for %s", kind)
			}
		})
	}
}

// TestCtrlC is what a person's terminal in raw mode does, on a connection that
// reports what is pending.
func TestCtrlC(t *testing.T) {
	leavesNothing(t)
	ours, theirs := pair(t)
	ended := make(chan error, 1)
	conn := newPending(t, ours)
	go func() {
		ended <- second(Serve(context.Background(), conn, Config{Greeting: "\n", Commands: []Command{
			{"patient", "", func(ctx context.Context, w io.Writer, _ []string) error {
				io.WriteString(w, "here\n")
				<-ctx.Done()
				return ctx.Err()
			}},
		}}))
		ours.Close()
	}()
	await(t, theirs, prompt)
	for line, sign := range map[string]string{"watch 0.01": "%\n", "patient": "here\n", "pprof-cpu 1h -top": "3599 s left"} {
		io.WriteString(theirs, line+"\n")
		await(t, theirs, sign)
		io.WriteString(theirs, "quit"+string(rune(ctrlC))) // what was typed before is forgotten
		name, _, _ := strings.Cut(line, " ")
		await(t, theirs, "lazy: error: "+name+": interrupted\n"+prompt)
	}
	io.WriteString(theirs, "half a line"+string(rune(ctrlC)))
	await(t, theirs, "\n"+prompt)
	io.WriteString(theirs, "version\n")
	await(t, theirs, runtime.Version()+"\n"+prompt)
	theirs.CloseWrite()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
