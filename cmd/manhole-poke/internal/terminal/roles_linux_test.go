package terminal

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

func TestMain(m *testing.M) {
	poketest.Main(m, lazytest.Roles{"odd": odd})
}

// startOdd starts an armed program with odd commands.
func startOdd(t *testing.T, args ...string) *lazytest.Process {
	t.Helper()
	return lazytest.Start(t, "odd", args...)
}

// nest waits with so many calls more on the stack.
func nest(n int) {
	if n > 0 {
		nest2(n - 1)
	}
	select {}
}

func nest2(n int) { nest(n) }

// odd is an armed program whose commands are hard on a terminal.
func odd() {
	spin := flag.Int("spin", 0, "goroutines that burn CPU")
	varied := flag.Int("varied", 0, "goroutines with stacks of many kinds")
	idle := flag.Duration("idle", time.Hour, "how long a session may be silent")
	flag.Parse()
	for n := range *varied {
		go nest(n % 40)
	}
	handle := func(name string, run func(ctx context.Context, w io.Writer) error) {
		lazy.Handle(name, "for the tests", func(ctx context.Context, w io.Writer, _ []string) error { return run(ctx, w) })
	}
	handle("sequences", func(_ context.Context, w io.Writer) error {
		io.WriteString(w, "\x1b]0;owned\a\x1b[2J\x1b[31mred \u009b31m \x9b31m back\b\b\rover\ttab \u202etxt.exe\r\nend\n")
		return errors.New("\x1b[2Jgone")
	})
	handle("unended", func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "no end of line")
		return err
	})
	handle("block", func(ctx context.Context, w io.Writer) error {
		fmt.Fprintln(w, "blocking")
		<-ctx.Done()
		return context.Cause(ctx)
	})
	handle("flood", func(ctx context.Context, w io.Writer) error {
		for n := 0; ctx.Err() == nil; n++ {
			if _, err := fmt.Fprintf(w, "line %d of many, many more than anybody wants to see\n", n); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	})
	handle("long", func(_ context.Context, w io.Writer) error {
		for n := range 500 {
			fmt.Fprintf(w, "line %d\n", n)
		}
		return nil
	})
	handle("deaf", func(_ context.Context, w io.Writer) error {
		fmt.Fprintln(w, "ignoring everything")
		select {}
	})
	handle("utf8", func(_ context.Context, w io.Writer) error {
		for _, b := range []byte("größe 日本語 ok\n") { // byte by byte
			w.Write([]byte{b})
		}
		return nil
	})
	if err := lazy.Arm(lazy.WithIdleTimeout(*idle)); err != nil {
		fmt.Println("error:", err)
		return
	}
	for range *spin {
		go func() {
			for n := 0; ; n++ {
			}
		}()
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
