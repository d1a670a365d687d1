package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/words"
	"github.com/google/gops/signal"
)

// pair returns both ends of a unix connection.
func pair(t testing.TB) (ours, theirs *net.UnixConn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "console") // short, unlike t.TempDir: a socket's path is limited
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Skipf("no unix sockets here: %v", err)
	}
	defer l.Close()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return s.(*net.UnixConn), c.(*net.UnixConn)
}

// peeked is a connection of which Serve is told how its peer begins.
type peeked struct {
	Conn
	first byte
	said  bool
}

func (p peeked) Peek(time.Duration) (byte, bool, bool) { return p.first, p.said, false }

// person and script serve a peer of that kind, whatever it says and when.

func person(ctx context.Context, conn Conn, cfg Config) error {
	return second(Serve(ctx, peeked{conn, 0, false}, cfg))
}

func script(ctx context.Context, conn Conn, cfg Config) error {
	return second(Serve(ctx, peeked{conn, 'x', true}, cfg))
}

func second(_ string, err error) error { return err }

// talk sends a script and the end of it, and returns all that was answered.
func talk(t testing.TB, cfg Config, input string) string {
	t.Helper()
	return talkTo(t, script, cfg, input)
}

func talkTo(t testing.TB, serve func(context.Context, Conn, Config) error, cfg Config, input string) string {
	t.Helper()
	ours, theirs := pair(t)
	go func() {
		io.WriteString(theirs, input)
		theirs.CloseWrite()
	}()
	ended := make(chan error, 1)
	go func() {
		ended <- serve(context.Background(), ours, cfg)
		ours.Close()
	}()
	answer, err := io.ReadAll(theirs)
	if err != nil {
		t.Errorf("reading the answer: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	return string(answer)
}

// leaves nothing checks that the goroutines are those of before.
func leavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 200 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines before, now:\n%s", before, buf[:runtime.Stack(buf, true)])
	})
}

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
		{"unknown", "bogus\nversion\n", "lazy: error: bogus: no such command; try help\n" + v},
		{"not UTF-8", "\xff\xfe\x00\x1b[31m\nversion\n", `lazy: error: "\xff\xfe\x00\x1b[31m": no such command; try help` + "\n" + v},
		{"open quote", "stack 'x\nversion\n", "lazy: error: line: " + words.ErrUnclosed.Error() + "\n" + v},
		{"a form as one word", "'stack diff'\nversion\n", "lazy: error: stack diff: no such command, because the quotes make it one word; try stack diff without them\n" + v},
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

func TestProgramsCommands(t *testing.T) {
	leavesNothing(t)
	var log bytes.Buffer
	cfg := Config{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Commands: []Command{
			{"echo", "[WORD]...  says it again", func(_ context.Context, w io.Writer, args []string) error {
				fmt.Fprintln(w, strings.Join(args, "|"))
				return nil
			}},
			{"fail", "", func(context.Context, io.Writer, []string) error { return errors.New("two\nlines") }},
			{"panic", "", func(_ context.Context, w io.Writer, _ []string) error { panic("at the disco") }},
			{"exit", "", func(context.Context, io.Writer, []string) error { runtime.Goexit(); return nil }},
			{"nil", "", func(context.Context, io.Writer, []string) error { return (*os.PathError)(nil) }},
			{"half", "", func(_ context.Context, w io.Writer, _ []string) error { fmt.Fprint(w, "half a line"); return nil }},
		},
	}
	got := talk(t, cfg, `echo a "b c" 'd\e'`+"\nfail\npanic\nexit\nnil\nhalf\nnonsense\nversion\nhelp\nhelp echo\n")
	for _, want := range []string{
		"a|b c|d\\e\n",
		"lazy: error: fail: two lines\n",
		"lazy: error: panic: panic: at the disco\n",
		"console_test.go:", // the stack of the panic
		"lazy: error: exit: called runtime.Goexit",
		"\nlazy: error: nil: an error (*fs.PathError) whose Error method panics: ",
		"half a line\nlazy: error: nonsense: ",
		"\n" + runtime.Version() + "\n",
		"The program's own\n",
		"  echo ",
		"says it again",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	for _, want := range []string{"command=panic", "at the disco", "command=exit"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log.String())
		}
	}
}

func TestReadOnly(t *testing.T) {
	leavesNothing(t)
	cfg := Config{ReadOnly: true, Commands: []Command{
		{"mine", "", func(context.Context, io.Writer, []string) error { panic("ran") }},
	}}
	for _, c := range builtin() {
		if c.changes {
			got := talk(t, cfg, c.Name+"\nhelp "+c.Name+"\n")
			if !strings.HasPrefix(got, "lazy: error: "+c.Name+": not in a session that only observes") {
				t.Errorf("%s: %s", c.Name, got)
			}
		}
	}
	for _, line := range []string{"pprof block 1ms -rate 1", "pprof goroutineleak"} {
		if got := talk(t, cfg, line); !strings.HasPrefix(got, "lazy: error: pprof: not in a session") && !strings.Contains(got, "no profile") {
			t.Errorf("%s: %s", line, got)
		}
	}
	if got := talk(t, cfg, "mine"); !strings.HasPrefix(got, "lazy: error: mine: not in a session") {
		t.Error(got)
	}
	if got := talk(t, cfg, "help"); regexp.MustCompile(`(?m)^  (gc|mine) `).MatchString(got) {
		t.Error(got)
	}
}

func TestHelpCoversTheTable(t *testing.T) {
	got := talk(t, Config{}, "help\n")
	for _, c := range builtin() {
		if c.run == nil && c.apart == nil {
			t.Errorf("%s does nothing", c.Name)
		}
		for i, e := range entries(c.Command) {
			name := c.Name
			if i > 0 {
				name += " " + e.Name
			}
			if !strings.Contains(got, "\n  "+e.usage+" ") {
				t.Errorf("no %s in:\n%s", name, got)
			}
			more := talk(t, Config{}, "help "+name+"\n")
			if e.Example == "" || !strings.Contains(more, "for example: ") {
				t.Errorf("help %s has no example:\n%s", name, more)
			}
			for _, o := range e.Options {
				if !strings.Contains(more, "\n  -"+o.Name+" ") {
					t.Errorf("help %s does not have -%s:\n%s", name, o.Name, more)
				}
			}
			got += more
		}
	}
	if do := actions(); len(do) != len(builtin()) {
		t.Errorf("%d actions, %d commands", len(do), len(builtin()))
	}
	for line := range strings.Lines(got) {
		if len(line) > 121 {
			t.Errorf("too wide for a terminal: %s", line)
		}
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

func TestCommandThatIgnoresItsContext(t *testing.T) {
	leavesNothing(t)
	ours, theirs := pair(t)
	var log bytes.Buffer
	running, release := make(chan struct{}), make(chan struct{})
	late := make(chan error, 1)
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- script(ctx, ours, Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Commands: []Command{
			{"stubborn", "", func(_ context.Context, w io.Writer, _ []string) error {
				close(running)
				<-release
				_, err := w.Write([]byte("too late"))
				late <- err
				return nil
			}},
		}})
	}()
	io.WriteString(theirs, "stubborn\n")
	<-running
	gone := errors.New("the peer left")
	cancel(gone)
	if err := <-ended; err != gone {
		t.Errorf("got %v", err)
	}
	close(release)
	if err := <-late; err == nil {
		t.Error("an abandoned command can still write")
	}
	if !strings.Contains(log.String(), "command=stubborn") {
		t.Errorf("log: %s", log.String())
	}
}

// neverReads returns a connection whose peer sends input and never reads: a
// write blocks until the connection is closed.
func neverReads(t *testing.T, input string) (ours, theirs net.Conn) {
	ours, theirs = net.Pipe()
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	go io.WriteString(theirs, input)
	return ours, theirs
}

// stuck waits until some goroutine stands in a write to the peer.
func stuck() { running("net.(*pipe).write(") }

// quick is a line that uses c, does not take long and changes nothing.
func quick(c command) string {
	switch c.Name {
	case "setgc":
		return fmt.Sprint("setgc ", 100)
	case "memlimit", "maxprocs":
		return c.Name
	case "tail": // what the tests write to may be anything
		return "tail what"
	}
	return regexp.MustCompile(`\b\d+s\b|\b1 60\b`).ReplaceAllString(c.Example, "50ms")
}

func TestPeerThatNeverReads(t *testing.T) {
	for _, c := range builtin() {
		if c.Name == "quit" {
			continue // says nothing
		}
		t.Run(c.Name, func(t *testing.T) {
			leavesNothing(t)
			ours, _ := neverReads(t, quick(c)+"\n")
			ended := make(chan error, 1)
			go func() { ended <- script(context.Background(), ours, Config{}) }()
			stuck()
			ours.Close() // what the root does after its deadline
			if err := <-ended; err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestPeerThatLeaves closes the connection while each command writes.
func TestPeerThatLeaves(t *testing.T) {
	for _, c := range builtin() {
		if c.Name == "quit" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			leavesNothing(t)
			ours, theirs := net.Pipe()
			ended := make(chan error, 1)
			go func() { ended <- script(context.Background(), ours, Config{}) }()
			io.WriteString(theirs, quick(c)+"\n")
			theirs.Read(make([]byte, 1))
			theirs.Close()
			if err := <-ended; err != nil && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("got %v", err)
			}
			ours.Close()
		})
	}
}

// TestLongCommandsEndWithTheContext is about those that say nothing for a
// long time, so that only the root can notice that the peer left.
func TestLongCommandsEndWithTheContext(t *testing.T) {
	gone := errors.New("the peer left")
	for line, function := range map[string]string{
		"pprof-cpu 1h":   "console.sleep(",
		"pprof block 1h": "console.sleep(",
		"pprof mutex 1h": "console.sleep(",
		"trace 1h":       "console.executionTrace(",
		"watch 1h":       "console.watch(",
	} {
		for _, typed := range []bool{false, true} {
			if strings.HasPrefix(line, "trace") && typed {
				continue
			}
			t.Run(fmt.Sprintf("%s/%v", line, typed), func(t *testing.T) {
				serve := script
				if typed {
					serve = person
				}
				leavesNothing(t)
				ours, theirs := pair(t)
				go io.Copy(io.Discard, theirs)
				ctx, cancel := context.WithCancelCause(context.Background())
				ended := make(chan error, 1)
				go func() { ended <- serve(ctx, ours, Config{}) }()
				if typed && !strings.HasPrefix(line, "watch") {
					line += " -top"
				}
				io.WriteString(theirs, line+"\n")
				running(function)
				cancel(gone)
				if err := <-ended; err != gone {
					t.Errorf("got %v", err)
				}
				theirs.Close()
			})
		}
	}
	for op, function := range map[byte]string{signal.CPUProfile: "console.sleep(", signal.Trace: "console.executionTrace("} {
		leavesNothing(t)
		ours, theirs := pair(t)
		theirs.Write([]byte{op})
		ctx, cancel := context.WithCancelCause(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- second(Serve(ctx, ours, Config{})) }()
		running(function)
		cancel(gone)
		if err := <-ended; err != gone {
			t.Errorf("got %v", err)
		}
	}
}

// running waits until some goroutine is in the function.
func running(function string) {
	buf := make([]byte, 1<<20)
	for !bytes.Contains(buf[:runtime.Stack(buf, true)], []byte(function)) {
		time.Sleep(time.Millisecond)
	}
}
