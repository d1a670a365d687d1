//go:build amd64 || arm64

package lazy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
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
		keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		c, err := keys.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var n int
		c.Control(func(fd uintptr) {
			if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
				n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		screen, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
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
	if lazytest.Emulated() {
		t.Skip("an executable of ours can't be started without the emulator; package tee is tested with it")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	flags = append([]string{"-answers", "3", "-write-timeout", "10m"}, flags...)
	cmd := exec.Command("sh", append([]string{"-c", `exec "$@" 3>&1 ` + redirections, "sh", exe}, flags...)...)
	cmd.Stderr = o.target
	tg := launchCommand(t, cmd)
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

func TestTailDiverted(t *testing.T) {
	for name, outlet := range outlets {
		t.Run(name, func(t *testing.T) {
			o := outlet(t)
			o.flow()
			tg := startOnto(t, o, "")
			tg.Ask("err before")
			before, flags := tg.Footprint(), tg.Ask("flags")
			c := tg.tail("tail stderr")
			tg.Ask("err one")
			lazytest.Until(t, c, "one\n")
			tg.Ask("lines 3")
			if got := lazytest.Until(t, c, "line 2 of 3\n"); got != "line 0 of 3\nline 1 of 3\nline 2 of 3\n" {
				t.Errorf("%q", got)
			}
			long := strings.Repeat("long ", 2000) // three packets
			tg.Ask("err " + long)
			lazytest.Until(t, c, long+"\n")
			if pids := tg.helpers(); len(pids) != 1 {
				t.Errorf("helper processes %v", pids)
			}
			leave(t, c)
			tg.Gone()
			tg.Ask("err after")
			o.has(t, "before\none\nline 0 of 3\nline 1 of 3\nline 2 of 3\n"+long+"\n")
			o.has(t, "after\n")
			if now := tg.Ask("flags"); now != flags {
				t.Errorf("flags %s, were %s", now, flags)
			}
			tg.Settles(before)
			tg.childless()
		})
	}
	t.Run("null", func(t *testing.T) {
		tg := startRedirected(t, "2>/dev/null")
		if lazytest.Emulated() {
			t.Skip("needs an executable of ours")
		}
		before := tg.Footprint()
		c := tg.tail("tail stderr")
		tg.Ask("err shown")
		lazytest.Until(t, c, "shown\n")
		leave(t, c)
		tg.Gone()
		tg.Settles(before)
	})
}

// TestTailDivertedKeepsOrder begins and ends tail again and again while the
// program writes as fast as it can, to two descriptors of one pipe. The order is
// kept, unless tail says that it may not be.
func TestTailDivertedKeepsOrder(t *testing.T) {
	o := outlets["pipe"](t)
	o.flow()
	tg := startOnto(t, o, "1>&2")
	before := tg.Footprint()
	tg.Ask("count")
	said := false
	for range 30 {
		c := tg.tail("tail stdout")
		lazytest.Until(t, c, " of many\n")
		io.WriteString(c, "quit\n")
		said = strings.Contains(lazytest.Rest(t, c), " may come after ") || said
		tg.Gone()
	}
	n := tg.AskInt("count")
	var came []int
	lazytest.Eventually(t, "all has come", func() bool {
		came = nil
		for line := range strings.Lines(o.text()) {
			if i, err := strconv.Atoi(strings.TrimSuffix(line, " of many\n")); err == nil { // no record of the doorbell's
				came = append(came, i)
			}
		}
		return len(came) >= n
	})
	if said {
		slices.Sort(came)
	}
	for i, got := range came {
		if got != i {
			t.Fatalf("%d came, not %d", got, i)
		}
	}
	t.Logf("%d lines; whether it was said that some may come late: %v", n, said)
	tg.Settles(before)
	tg.childless()
}

// TestTailDivertedAndTheEnd is that of the program while somebody looks on.
func TestTailDivertedAndTheEnd(t *testing.T) {
	for how, want := range map[string]string{
		"panic":  "last words\npanic: on purpose\n",
		"fatal":  "last words\nfatal error: sync: unlock of unlocked mutex\n",
		"exit":   "last words\n",
		"kill":   "last words\n",
		"execve": "last words\nof another program\n",
	} {
		t.Run(how, func(t *testing.T) {
			o := outlets["pipe"](t)
			o.flow()
			tg := startOnto(t, o, "", "-spin", "50")
			c := tg.tail("tail stderr")
			tg.Ask("lines 1000")
			tg.Tell(how)
			lazytest.Rest(t, c)
			tg.Wait()
			lazytest.Eventually(t, "the helper process ends", func() bool { return len(tg.helpers()) == 0 })
			o.has(t, "line 999 of 1000\n"+want)
			if i := strings.Index(o.text(), "line 0 of 1000\n"); i < 0 {
				t.Errorf("got\n%s", o.text())
			} else if got := o.text()[i:]; !strings.HasPrefix(got, thousand()) {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func thousand() string {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "line %d of 1000\n", i)
	}
	return b.String()
}

// TestTailDivertedInNamespace is about the first process of a pid namespace,
// with whose end the kernel kills all others there. What is lost then is
// measured, not asserted; see package tee.
func TestTailDivertedInNamespace(t *testing.T) {
	unshare := lazytest.Tool(t, "unshare")
	if lazytest.Emulated() {
		t.Skip("needs an executable of ours")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, spin := range []string{"0", "50"} {
		lost, runs := 0, 10
		for range runs {
			o := outlets["pipe"](t)
			o.flow()
			flags := []string{"-spin", spin, "-path", filepath.Join(t.TempDir(), "door")}
			cmd := exec.Command(unshare, append([]string{"--pid", "--fork", "--kill-child", "--mount-proc", exe}, flags...)...)
			cmd.Stderr = o.target
			tg := launchCommand(t, cmd)
			o.target.Close()
			if tg.First != "ready" {
				t.Skipf("no namespace of its own: %s", o.text())
			}
			tg.PID = tg.children()[0]
			c := tg.tail("tail stderr")
			tg.Tell("exit")
			lazytest.Rest(t, c)
			tg.Wait()
			<-o.ended
			if !strings.Contains(o.text(), "last words\n") {
				lost++
			}
		}
		t.Logf("%s goroutines that burn CPU: the line before os.Exit was lost in %d of %d runs", spin, lost, runs)
	}
}

// children are the processes that the target's first thread started.
func (tg *target) children() (pids []int) {
	tg.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", tg.PID))
	if err != nil {
		tg.t.Fatal(err)
	}
	for _, w := range strings.Fields(string(b)) {
		pid, _ := strconv.Atoi(w)
		pids = append(pids, pid)
	}
	return pids
}

// TestTailDivertedAndChildren starts a child that goes on when the session is
// over, and then one that goes on when the program is.
func TestTailDivertedAndChildren(t *testing.T) {
	o := outlets["pipe"](t)
	o.flow()
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	tg := startOnto(t, o, "")
	before := tg.Footprint()
	c := tg.tail("tail stderr")
	tg.Ask("child " + first)
	lazytest.Until(t, c, "child begins\n")
	leave(t, c)
	tg.Gone()
	if pids := tg.helpers(); len(pids) != 1 {
		t.Errorf("helper processes %v while a child has the pipe", pids)
	}
	if err := os.WriteFile(first, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := tg.Ask("wait"); got != "<nil>" {
		t.Errorf("the child: %s", got)
	}
	o.has(t, "child ends\n")
	tg.Settles(before)
	tg.childless()

	c = tg.tail("tail stderr")
	tg.Ask("child " + second)
	lazytest.Until(t, c, "child begins\n")
	tg.Tell("kill")
	lazytest.Rest(t, c)
	tg.Wait()
	if err := os.WriteFile(second, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	<-o.ended
	if got := o.text(); !strings.HasSuffix(got, "child begins\nlast words\nchild ends\n") {
		t.Errorf("%q", got)
	}
}

// TestTailDivertedWithSlowPeer checks that each line is either shown or counted.
func TestTailDivertedWithSlowPeer(t *testing.T) {
	const most = 200000
	o := outlets["pipe"](t)
	o.flow()
	tg := startOnto(t, o, "")
	t.Logf("the program's writes before: %s", tg.Ask("lines "+strconv.Itoa(most)))
	c := tg.tail("tail stderr")
	t.Logf("the program's writes during it: %s", tg.Ask("lines "+strconv.Itoa(most)))
	next, lost := shownOrCounted(t, c, most)
	t.Logf("%d of %d lines not shown", lost, most)
	if next != most || lost == 0 {
		t.Errorf("%d shown or counted, %d of them not shown", next, lost)
	}
	leave(t, c)
	tg.Gone()
	lazytest.Eventually(t, "all lines arrive", func() bool { return strings.Count(o.text(), " of "+strconv.Itoa(most)) == 2*most })
}

// TestTailDivertedWithoutCopier kills the process that copies.
func TestTailDivertedWithoutCopier(t *testing.T) {
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
	for i := range int32(5) {
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
	// Killed between read and write it loses that one packet. The last lines are
	// not always the last to come.
	lazytest.Eventually(t, "all has come", func() bool { return strings.Count(o.text(), " of many\n") >= n-6 })
	tg.Settles(before)
	tg.childless()
}

// TestTailDivertedAndCopierHangs stops the process that copies, so that the
// program waits to write when tail ends, and kills it after that.
func TestTailDivertedAndCopierHangs(t *testing.T) {
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
	// Killed between read and write it loses one packet.
	lazytest.Eventually(t, "all has come", func() bool { return strings.Count(o.text(), " of many\n") >= n-1 })
	tg.Settles(before)
	tg.childless()
}

// TestTailDivertedWithoutCopierAndPeer kills the process that copies while tail
// waits for its peer, which must not make the program wait as well.
func TestTailDivertedWithoutCopierAndPeer(t *testing.T) {
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
	// Killed between read and write it loses that one packet.
	if got := strings.Count(o.text(), " of 100000\n"); got < 3*100000-1 {
		t.Errorf("%d lines arrived", got)
	}
	tg.Settles(before)
	tg.childless()
}

// TestTailDivertedWithoutReaderAndPeer closes what the program writes to while
// tail waits for its peer. The program learns it as it would have without tail.
func TestTailDivertedWithoutReaderAndPeer(t *testing.T) {
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

// TestTailDivertedAndNoReader is about an outlet that nobody reads.
func TestTailDivertedAndNoReader(t *testing.T) {
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

// TestTailDivertedSaturated measures what takes how long in a process without
// a free processor.
func TestTailDivertedSaturated(t *testing.T) {
	o := outlets["pipe"](t)
	o.flow()
	tg := startOnto(t, o, "", "-spin", "500")
	before := tg.Ask("lines 100")
	tg.Ring()
	c := tg.Dial()
	lazytest.Until(t, c, lazytest.Prompt)
	start := time.Now()
	io.WriteString(c, "tail stderr\n")
	lazytest.Until(t, c, "Enter ends it\n")
	begun := time.Since(start)
	during := tg.Ask("lines 100")
	lazytest.Until(t, c, "line 99 of 100\n")
	start = time.Now()
	io.WriteString(c, "\n")
	lazytest.Until(t, c, lazytest.Prompt[1:])
	ended := time.Since(start)
	t.Logf("a hundred writes: %s before, %s during it; it began in %v, ended in %v", before, during, begun, ended)
	io.WriteString(c, "quit\n")
	c.SetDeadline(time.Now().Add(lazytest.Patience))
	lazytest.Rest(t, c)
	o.has(t, "line 99 of 100\n")
}

// TestTailDivertedWithoutDescriptors checks that a tail that can't begin
// changes nothing.
func TestTailDivertedWithoutDescriptors(t *testing.T) {
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

// TestTailDivertedRefuses is about what a pipe can't take the place of.
func TestTailDivertedRefuses(t *testing.T) {
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

// TestTailDivertedAndReplaced has the program replace its stderr meanwhile.
func TestTailDivertedAndReplaced(t *testing.T) {
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
