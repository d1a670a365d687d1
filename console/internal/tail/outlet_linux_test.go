//go:build amd64 || arm64

package tail_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// An outlet is where a target's stderr leads that is no regular file.
type outlet struct {
	target  *os.File         // the target's end
	read    *os.File         // the other
	arrived *lazytest.Buffer // there
	ended   chan struct{}    // when nothing more will
}

// outlets makes one of each kind.
var outlets = map[string]func(testing.TB) *outlet{
	"pipe": func(t testing.TB) *outlet {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		return newOutlet(t, r, w)
	},
	"socket": func(t testing.TB) *outlet {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		return newOutlet(t, os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket"))
	},
	"terminal": func(t testing.TB) *outlet {
		keys, screen := lazytest.OpenTerminal(t)
		return newOutlet(t, keys, screen)
	},
}

func newOutlet(t testing.TB, read, write *os.File) *outlet {
	o := &outlet{write, read, new(lazytest.Buffer), make(chan struct{})}
	t.Cleanup(func() { read.Close(); write.Close() })
	return o
}

// flow has what arrives be read from now on.
func (o *outlet) flow() {
	go func() {
		defer close(o.ended)
		io.Copy(o.arrived, o.read)
	}()
}

// text is what has arrived, with the ends of lines that the target wrote.
func (o *outlet) text() string { return strings.ReplaceAll(o.arrived.String(), "\r\n", "\n") }

// has waits until text has arrived.
func (o *outlet) has(t testing.TB, text string) {
	t.Helper()
	lazytest.Eventually(t, fmt.Sprintf("%q arrives", text), func() bool { return strings.Contains(o.text(), text) })
}

// fills waits until the target waits to write to an outlet that is a pipe,
// which nobody reads.
func (o *outlet) fills(t testing.TB, tg *target) {
	t.Helper()
	c, err := o.read.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	lazytest.Eventually(t, "the pipe is full", func() (full bool) {
		c.Control(func(fd uintptr) {
			size, _ := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0)
			held, _ := unix.IoctlGetInt(int(fd), unix.TIOCINQ) // FIONREAD
			// A line that does not fit into a page begins the next.
			full = held > size-size/os.Getpagesize()*len("line 99999 of 100000\n")
		})
		return full
	})
	tg.sleeps()
}

// sleeps waits until every thread of the target does.
func (tg *target) sleeps() {
	tg.t.Helper()
	lazytest.Eventually(tg.t, "every thread of the target sleeps", func() bool {
		states, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", tg.PID))
		for _, name := range states {
			if b, _ := os.ReadFile(name); !bytes.Contains(b, []byte(") S ")) {
				return false
			}
		}
		return true
	})
}

// startOnto starts a target whose stderr is the outlet.
func startOnto(t testing.TB, o *outlet, redirections string, flags ...string) *target {
	t.Helper()
	lazytest.SkipEmulated(t, "the helper process is this executable; package tee is tested there")
	cmd := lazytest.Command(lazytest.Exe(t), append([]string{"-answers", "3"}, flags...)...)
	cmd = lazytest.Wrap(cmd, "sh", "-c", `exec "$@" 3>&1 `+redirections, "sh")
	cmd.Stderr = o.target
	tg := launch(t, cmd)
	o.target.Close()
	if tg.First != "ready" {
		t.Fatalf("the target says %q\n%s", tg.First, o.text())
	}
	return tg
}

// helpers are the processes of tail for the target, zombies too.
func (tg *target) helpers() (pids []int) {
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range names {
		b, _ := os.ReadFile(name)
		if string(bytes.TrimRight(b, "\x00")) == fmt.Sprintf("lazy-tail of %d", tg.PID) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// childless waits until the target has no child left.
func (tg *target) childless() {
	tg.t.Helper()
	lazytest.Eventually(tg.t, "no helper process is left", func() bool { return len(tg.helpers()) == 0 })
	lazytest.Eventually(tg.t, "no child is left", func() bool { return len(tg.children()) == 0 })
}

// BenchmarkTail prints what a line costs the program that writes it, with and
// without somebody who looks on.
func BenchmarkTail(b *testing.B) {
	const lines = 200000
	for name, outlet := range outlets {
		b.Run(name, func(b *testing.B) {
			o := outlet(b)
			o.flow()
			tg := startOnto(b, o, "")
			write := func() float64 {
				all, _, _ := strings.Cut(tg.Ask("lines "+strconv.Itoa(lines)), " ")
				d, err := time.ParseDuration(all)
				if err != nil {
					b.Fatal(err)
				}
				return d.Seconds() * 1e6 / lines
			}
			var before, during []float64
			for b.Loop() {
				before = append(before, write())
				c := tg.tail("tail stderr")
				go io.Copy(io.Discard, c)
				during = append(during, write())
				c.Close()
				tg.Gone()
			}
			slices.Sort(before)
			slices.Sort(during)
			median := len(before) / 2
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(before[median], "µs/line")
			b.ReportMetric(during[median], "µs/line-tailed")
			b.ReportMetric(during[median]/before[median], "times")
		})
	}
}
