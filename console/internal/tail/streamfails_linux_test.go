//go:build amd64 || arm64

package tail_test

import (
	"bufio"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// lostLines is how many lines a process can lose that is killed between read and
// write: 4096 bytes.
const lostLines = 4096 / len("0 of many\n")

// TestHelperThatCannotLive is about a program that installed a seccomp filter
// after Arm.
func TestHelperThatCannotLive(t *testing.T) {
	o := outlets["pipe"](t)
	o.flow()
	tg := startOnto(t, o, "")
	before := tg.Footprint()
	c := tg.tail("tail stderr")
	tg.Ask("err shown")
	lazytest.Until(t, c, "shown\n")
	if got := tg.Ask("forbid"); got != "<nil>" {
		t.Skip(got)
	}
	unix.Kill(tg.helpers()[0], unix.SIGKILL)
	got := lazytest.Until(t, c, lazytest.Prompt[1:])
	if n := strings.Count(got, " goes on\n"); n != 5 {
		t.Errorf("%d processes were started", n)
	}
	lazytest.Wants(t, got, "was killed by SIGKILL, and some output", "lazy: error: tail: process ", "was killed by SIGSYS, as by a seccomp filter", "; try strace ")
	tg.Ask("err restored")
	o.has(t, "restored\n")
	tg.childless()
	// And before it begins.
	io.WriteString(c, "tail stderr\n")
	got = lazytest.Until(t, c, lazytest.Prompt[1:])
	lazytest.Wants(t, got, "lazy: error: tail: stderr is a pipe and cannot be copied: the helper process was killed by SIGSYS, ", "; try strace ")
	io.WriteString(c, "quit\n")
	lazytest.Rest(t, c)
	tg.Gone()
	tg.Ask("err as before")
	o.has(t, "as before\n")
	tg.Settles(before)
	tg.childless()
}

// TestWithoutHelper kills the process that copies.
func TestWithoutHelper(t *testing.T) {
	o := outlets["pipe"](t)
	o.flow()
	tg := startOnto(t, o, "1>&2")
	before := tg.Footprint()
	c := tg.tail("tail stderr")
	tg.Ask("out shown")
	lazytest.Until(t, c, "shown\n")
	unix.Kill(tg.helpers()[0], unix.SIGTERM) // which it does not mind
	unix.Kill(tg.helpers()[0], unix.SIGSTOP)
	tg.Ask("out not lost")
	unix.Kill(tg.helpers()[0], unix.SIGKILL)
	lazytest.Until(t, c, " goes on\n")
	lazytest.Until(t, c, "not lost\n")
	tg.Ask("count") // so fast that writes wait for room in the pipe
	var succeeded atomic.Int32
	go func() {
		for in := bufio.NewScanner(c); in.Scan(); {
			if strings.HasSuffix(in.Text(), " goes on") {
				succeeded.Add(1)
			}
		}
	}()
	for i := range int32(3) {
		unix.Kill(tg.helpers()[0], unix.SIGKILL)
		lazytest.Eventually(t, "another goes on", func() bool { return succeeded.Load() > i })
	}
	last := tg.helpers()[0]
	unix.Kill(last, unix.SIGKILL)
	// What is in the pipe is lost with a process that ends after tail.
	lazytest.Eventually(t, "it has ended", func() bool { return !slices.Contains(tg.helpers(), last) })
	c.Close()
	tg.Gone()
	n := tg.AskInt("count")
	// The last lines are not always the last to come.
	lazytest.Eventually(t, "all has come", func() bool { return strings.Count(o.text(), " of many\n") >= n-5*lostLines })
	tg.Settles(before)
	tg.childless()
}

// TestHelperHangs stops the process that copies, so that the
// program waits to write when tail ends, and kills it after that.
func TestHelperHangs(t *testing.T) {
	o := outlets["pipe"](t)
	o.flow()
	tg := startOnto(t, o, "1>&2")
	before := tg.Footprint()
	c := tg.tail("tail stderr")
	unix.Kill(tg.helpers()[0], unix.SIGSTOP)
	tg.Ask("count")
	tg.sleeps() // it waits for room in the pipe
	c.Close()
	tg.Gone()
	unix.Kill(tg.helpers()[0], unix.SIGKILL)
	n := tg.AskInt("count")
	lazytest.Eventually(t, "all has come", func() bool { return strings.Count(o.text(), " of many\n") >= n-lostLines })
	tg.Settles(before)
	tg.childless()
}

// TestWithoutHelperAndPeer kills the process that copies while tail
// waits for its peer, which must not make the program wait as well.
func TestWithoutHelperAndPeer(t *testing.T) {
	const many = "lines 100000" // more than there is room for
	o := outlets["pipe"](t)
	o.flow()
	tg := startOnto(t, o, "")
	before := tg.Footprint()
	c := tg.tail("tail stderr")
	tg.Ask(many)
	unix.Kill(tg.helpers()[0], unix.SIGKILL)
	for range 2 {
		tg.Ask(many)
	}
	// Had the program waited for it, the session would be over.
	lazytest.Until(t, c, " goes on\n")
	tg.Ask("err the end")
	if got := lazytest.Until(t, c, "the end\n"); !strings.Contains(got, " are not shown, ") {
		t.Errorf("got %q", got)
	}
	leave(t, c)
	tg.Gone()
	if got := strings.Count(o.text(), " of 100000\n"); got < 3*100000-lostLines {
		t.Errorf("%d lines arrived", got)
	}
	tg.Settles(before)
	tg.childless()
}

// TestWithoutReaderAndPeer closes what the program writes to while
// tail waits for its peer. The program learns it as it would have without tail.
func TestWithoutReaderAndPeer(t *testing.T) {
	o := outlets["pipe"](t)
	o.flow()
	tg := startOnto(t, o, "")
	tg.Ask("sigpipe")
	before := tg.Footprint()
	c := tg.tail("tail stderr")
	tg.Ask("lines 100000")
	o.read.Close()
	if got := tg.Ask("lines 100000"); !strings.HasSuffix(got, "broken pipe") {
		t.Errorf("the program's writes: %s", got)
	}
	lazytest.Until(t, c, "lazy: error: tail: the reader of the program's stderr has gone\n")
	leave(t, c)
	tg.Gone()
	tg.Settles(before)
	tg.childless()
}

// TestNoReader is about an outlet that nobody reads.
func TestNoReader(t *testing.T) {
	o := outlets["pipe"](t)
	tg := startOnto(t, o, "")
	before := tg.Footprint()
	c := tg.tail("tail stderr")
	tg.Ask("lines 3700") // more than the outlet holds, but not much
	lazytest.Until(t, c, "line 100 of 3700\n")
	io.WriteString(c, "\n")
	lazytest.Until(t, c, "lazy: tail: stderr: what was written last may come after what is written now: the reader of the output is slow\n")
	io.WriteString(c, "quit\n")
	lazytest.Rest(t, c)
	o.flow()
	o.has(t, "line 3699 of 3700\n")
	tg.Gone()
	tg.Settles(before)
	tg.childless()

	// And before tail.
	o = outlets["pipe"](t)
	tg = startOnto(t, o, "")
	tg.Tell("lines 100000")
	o.fills(t, tg)
	if got := tg.Script("tail stderr\nversion\n"); !strings.HasPrefix(got, "lazy: error: tail: stderr is a pipe and cannot be copied: a write of the program is blocked, because its reader does not read; try strace ") || !strings.Contains(got, "\ngo1.") {
		t.Error(got)
	}
	o.flow()
	o.has(t, "line 99999 of 100000\n")
}

// TestWithoutDescriptors checks that a tail that can't begin
// changes nothing.
func TestWithoutDescriptors(t *testing.T) {
	o := outlets["pipe"](t)
	o.flow()
	tg := startOnto(t, o, "", "-nofile")
	before := tg.Footprint()
	if got := tg.Script("tail\nversion\n"); !regexp.MustCompile(`(?s)^lazy: error: tail: .*stderr is a pipe and cannot be copied: .*too many open files; try strace .*\ngo1`).MatchString(got) {
		t.Error(got)
	}
	tg.Gone()
	tg.Ask("err as before")
	o.has(t, "as before\n")
	tg.Settles(before)
}

// TestStreamRefuses is about what a pipe can't take the place of.
func TestStreamRefuses(t *testing.T) {
	o := outlets["pipe"](t)
	o.flow()
	same, err := unix.Dup(int(o.target.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(same)
	tg := startOnto(t, o, "")
	before := tg.Footprint()
	unix.SetNonblock(same, true)
	if got := tg.Script("tail stderr\nversion\n"); !strings.HasPrefix(got, "lazy: error: tail: stderr is a pipe and cannot be copied: it is in non-blocking mode") || !strings.Contains(got, "\ngo1.") {
		t.Error(got)
	}
	tg.Gone()
	tg.Settles(before)
	unix.SetNonblock(same, false)
	tg.Ask("reuse 2")
	if got := tg.Script("tail stderr\nversion\n"); !strings.HasPrefix(got, "lazy: error: tail: stderr was closed by the program, and descriptor 2 is ") {
		t.Error(got)
	}
}

// TestStreamReplaced has the program replace its stderr meanwhile.
func TestStreamReplaced(t *testing.T) {
	o := outlets["pipe"](t)
	o.flow()
	file := filepath.Join(t.TempDir(), "err")
	tg := startOnto(t, o, "")
	c := tg.tail("tail stderr")
	tg.Ask("err here")
	tg.Ask("replace " + file)
	lazytest.Until(t, c, "here\n")
	lazytest.Until(t, c, "lazy: error: tail: the program closed stderr or gave it another destination; try tail again\n")
	lazytest.Until(t, c, "lazy> ")
	tg.Ask("err there")
	if got := content(t, file); got != "there\n" {
		t.Errorf("%q", got)
	}
	o.has(t, "here\n")
	leave(t, c)
	tg.Gone()
	tg.childless()
}
