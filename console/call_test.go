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
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/gops/signal"
)

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
		"call_test.go:", // the stack of the panic
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
