//go:build amd64 || arm64

package tail_test

import (
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
)

func TestStream(t *testing.T) {
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
		lazytest.SkipEmulated(t, "the helper process is this executable")
		before := tg.Footprint()
		c := tg.tail("tail stderr")
		tg.Ask("err shown")
		lazytest.Until(t, c, "shown\n")
		leave(t, c)
		tg.Gone()
		tg.Settles(before)
	})
}

// TestStreamKeepsOrder begins and ends tail again and again while the
// program writes as fast as it can, to two descriptors of one pipe. The order is
// kept, unless tail says that it may not be.
func TestStreamKeepsOrder(t *testing.T) {
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

// TestStreamAndTheEnd is that of the program while somebody looks on.
func TestStreamAndTheEnd(t *testing.T) {
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

// TestStreamInNamespace is about the first process of a pid namespace,
// with whose end the kernel kills all others there. What is lost then is
// measured, not asserted; see package tee.
func TestStreamInNamespace(t *testing.T) {
	lazytest.SkipEmulated(t, "the helper process is this executable")
	unshare := lazytest.Tool(t, "unshare")
	for _, spin := range []string{"0", "50"} {
		lost, runs := 0, 10
		for range runs {
			o := outlets["pipe"](t)
			o.flow()
			cmd := lazytest.Command(lazytest.Exe(t), "-spin", spin, "-path", filepath.Join(t.TempDir(), "door"))
			cmd = lazytest.Wrap(cmd, unshare, "--pid", "--fork", "--kill-child", "--mount-proc")
			cmd.Stderr = o.target
			tg := launch(t, cmd)
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

// TestStreamAndChildren starts a child that goes on when the session is
// over, and then one that goes on when the program is.
func TestStreamAndChildren(t *testing.T) {
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

// TestStreamWithSlowPeer checks that each line is either shown or counted.
func TestStreamWithSlowPeer(t *testing.T) {
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

// TestStreamSaturated measures what takes how long in a process without
// a free processor.
func TestStreamSaturated(t *testing.T) {
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
