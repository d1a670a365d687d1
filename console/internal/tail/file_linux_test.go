package tail_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/lazytest"
)

func TestFile(t *testing.T) {
	for name, redirection := range map[string]string{"append": "2>>", "position": "2>", "read and write": "2<>"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "err")
			if err := os.WriteFile(file, []byte("of before\nand longer than what is written later, much longer\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			tg := startRedirected(t, redirection+file)
			tg.Ask("err before")
			before, flags := tg.Footprint(), tg.Ask("flags")
			c := tg.tail("tail stderr")
			tg.Ask("err one")
			lazytest.Until(t, c, "one\n")
			tg.Ask("lines 3")
			if got := lazytest.Until(t, c, "line 2 of 3\n"); got != "line 0 of 3\nline 1 of 3\nline 2 of 3\n" {
				t.Errorf("%q", got)
			}
			leave(t, c)
			tg.Gone()
			tg.Ask("err after")
			want := "before\none\nline 0 of 3\nline 1 of 3\nline 2 of 3\n"
			if got := content(t, file); !strings.Contains(got, want) || !strings.Contains(got, "after\n") {
				t.Errorf("the file has\n%s", got)
			}
			if now := tg.Ask("flags"); now != flags {
				t.Errorf("flags %s, were %s", now, flags)
			}
			tg.Settles(before)
		})
	}
}

func TestBoth(t *testing.T) {
	dir := t.TempDir()
	out, err := filepath.Join(dir, "out"), filepath.Join(dir, "err")
	t.Run("two files", func(t *testing.T) {
		tg := startRedirected(t, ">>"+out+" 2>>"+err)
		c := tg.tail("tail both")
		tg.Ask("out to stdout")
		lazytest.Until(t, c, "lazy: tail: stdout:\nto stdout\n")
		tg.Ask("err to stderr")
		lazytest.Until(t, c, "lazy: tail: stderr:\nto stderr\n")
		leave(t, c)
	})
	for _, redirection := range []string{">" + out + " 2>&1", ">>" + out + " 2>>" + out} {
		t.Run(redirection[:3], func(t *testing.T) {
			tg := startRedirected(t, redirection)
			c := tg.tail("tail")
			tg.Ask("out 1")
			tg.Ask("err 2")
			tg.Ask("out 3")
			if got := lazytest.Until(t, c, "3\n"); got != "1\n2\n3\n" {
				t.Errorf("%q", got)
			}
			leave(t, c)
		})
	}
	t.Run("one", func(t *testing.T) {
		tg := startRedirected(t, "2>>"+err)
		tg.Ask("close 1")
		if got := tg.Script("tail both\nversion\n"); !strings.HasPrefix(got, "lazy: error: tail: stdout is closed\n") || !strings.Contains(got, "\ngo1.") {
			t.Errorf("%q", got)
		}
		tg.Gone()
		tg.Ring()
		c := tg.Dial()
		io.WriteString(c, "tail\n") // by a script
		lazytest.Until(t, c, "lazy: tail: not shown: stdout is closed\n")
		tg.Ask("err shown")
		lazytest.Until(t, c, "shown\n")
		io.WriteString(c, "version\n")
		lazytest.Until(t, c, "go1.")
		c.Close()
	})
}

func TestRefuses(t *testing.T) {
	tg := startRedirected(t, "2>>"+filepath.Join(t.TempDir(), "err"), "-nofile")
	if got := tg.Script("tail\nversion\n"); !regexp.MustCompile("^lazy: error: tail: .*too many open files; a descriptor is needed .*\ngo1").MatchString(got) {
		t.Error(got)
	}
	tg = startRedirected(t, "2>>"+filepath.Join(t.TempDir(), "err"), "-readonly")
	if got := tg.Script("tail\n"); !strings.HasPrefix(got, "lazy: error: tail: not in a session that only observes") {
		t.Error(got)
	}
}

// TestFileAndTheEnd is that of the program while somebody looks on.
func TestFileAndTheEnd(t *testing.T) {
	for how, want := range map[string]string{
		"panic":  "last words\npanic: on purpose\n",
		"fatal":  "last words\nfatal error: sync: unlock of unlocked mutex\n",
		"exit":   "last words\n",
		"kill":   "last words\n",
		"execve": "last words\nof another program\n",
	} {
		t.Run(how, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "err")
			tg := startRedirected(t, "2>>"+file, "-spin", "50")
			c := tg.tail("tail stderr")
			tg.Ask("lines 1000")
			tg.Tell(how)
			lazytest.Rest(t, c)
			tg.Wait()
			got := content(t, file)
			for i := range 1000 {
				line, more, _ := strings.Cut(got, "\n")
				if want := fmt.Sprintf("line %d of 1000", i); line != want {
					t.Fatalf("%q, want %q", line, want)
				}
				got = more
			}
			if !strings.HasPrefix(got, want) {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

// TestFileAndChildren starts a child that goes on when the session is over.
func TestFileAndChildren(t *testing.T) {
	dir := t.TempDir()
	file, flag := filepath.Join(dir, "err"), filepath.Join(dir, "flag")
	tg := startRedirected(t, "2>>"+file)
	c := tg.tail("tail stderr")
	tg.Ask("child " + flag)
	lazytest.Until(t, c, "child begins\n")
	leave(t, c)
	tg.Gone()
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := tg.Ask("wait"); got != "<nil>" {
		t.Errorf("the child: %s", got)
	}
	if got := content(t, file); !strings.Contains(got, "child begins\n") || !strings.HasSuffix(got, "child ends\n") {
		t.Errorf("the file has\n%s", got)
	}
}

// TestFileWithSlowPeer checks that each line is either shown or counted.
func TestFileWithSlowPeer(t *testing.T) {
	const most = 200000
	file := filepath.Join(t.TempDir(), "err")
	tg := startRedirected(t, "2>>"+file)
	t.Logf("the program's writes before: %s", tg.Ask("lines "+strconv.Itoa(most)))
	c := tg.tail("tail stderr")
	t.Logf("the program's writes during it: %s", tg.Ask("lines "+strconv.Itoa(most)))
	next, lost := shownOrCounted(t, c, most)
	t.Logf("%d of %d lines not shown", lost, most)
	if next != most || lost == 0 {
		t.Errorf("%d shown or counted, %d of them not shown", next, lost)
	}
	if n := strings.Count(content(t, file), "\n"); n != 2*most {
		t.Errorf("%d lines in the file", n)
	}
	leave(t, c)
}

func TestFileThatChanges(t *testing.T) {
	for _, redirection := range []string{"2>", "2>>"} {
		dir := t.TempDir()
		file := filepath.Join(dir, "err")
		tg := startRedirected(t, redirection+file)
		tg.Ask("lines 100")
		c := tg.tail("tail stderr")
		tg.Ask("cut " + file)
		if redirection == "2>>" {
			lazytest.Until(t, c, "lazy: tail: stderr: the file was truncated; from its beginning\n")
		}
		tg.Ask("err again")
		if got := lazytest.Until(t, c, "again\n"); got != "again\n" {
			t.Errorf("%q", got)
		}
		if err := os.Truncate(file, 1<<33); err != nil { // a gap that nobody wrote
			t.Fatal(err)
		}
		if redirection == "2>>" {
			lazytest.Until(t, c, "lazy: tail: stderr: at least 0 lines (8.00GB) are not shown, ")
		}
		os.Remove(file)
		tg.Ask("err removed")
		lazytest.Until(t, c, "removed\n")
		tg.Ask("replace " + filepath.Join(dir, "other"))
		lazytest.Until(t, c, "lazy: error: tail: the program closed stderr or gave it another destination; try tail again\n")
		lazytest.Until(t, c, "lazy> ")
		io.WriteString(c, "tail stderr\n")
		lazytest.Until(t, c, "Enter ends it\n")
		tg.Ask("err elsewhere")
		lazytest.Until(t, c, "elsewhere\n")
		leave(t, c)
	}
}

// TestEnds is about the ways to end it other than a line.
func TestEnds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "err")
	tg := startRedirected(t, "2>>"+file)
	before := tg.Footprint()
	tg.tail("tail").Close()
	tg.Gone()
	tg.Settles(before)

	tg.Ring() // by a script that has no more to say
	c := tg.Dial()
	io.WriteString(c, "tail stderr\n")
	c.CloseWrite()
	lazytest.Eventually(t, "a line is shown", func() bool {
		tg.Ask("err a line")
		c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		n, _ := c.Read(make([]byte, 100))
		return n > 0
	})
	c.Close()
	tg.Gone()
	tg.Settles(before)

	person := tg.tail("tail")
	tg.Ask("disarm")
	if got := lazytest.Rest(t, person); !strings.Contains(got, "lazy: closing: ") {
		t.Errorf("%q", got)
	}
}

// TestFileSaturated measures what takes how long in a process without a free
// processor.
func TestFileSaturated(t *testing.T) {
	file := filepath.Join(t.TempDir(), "err")
	tg := startRedirected(t, "2>>"+file, "-spin", "500")
	c := tg.tail("tail stderr")
	var slowest, sum time.Duration
	const times = 5
	// The target itself takes seconds to be asked.
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range times {
		line := fmt.Sprintf("line %d\n", i)
		start := time.Now()
		io.WriteString(f, line)
		c.SetDeadline(start.Add(lazytest.Patience))
		lazytest.Until(t, c, line)
		d := time.Since(start)
		slowest, sum = max(slowest, d), sum+d
	}
	t.Logf("a line is shown after %v on average, %v at most", sum/times, slowest)
	c.SetDeadline(time.Now().Add(lazytest.Patience))
	leave(t, c)
}

// Tail has no end, so the next line of a script ends it, in frames as in text.
func TestNextLine(t *testing.T) {
	tg := startRedirected(t, "2>>"+filepath.Join(t.TempDir(), "err"))
	if got := tg.Script("tail stderr\nversion\n"); !strings.HasPrefix(got, "go1.") {
		t.Errorf("%q", got)
	}
	tg.Gone()
	tg.Ring()
	c := tg.Dial()
	io.WriteString(c, frame.Preface+"\n")
	for i, line := range []string{"tail stderr", "version"} {
		if err := frame.Write(c, frame.Frame{Kind: frame.Line, ID: uint32(i + 1), Payload: []byte(line)}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			time.Sleep(100 * time.Millisecond) // the second may come later, or not
		}
	}
	var got []string
	for len(got) == 0 || got[len(got)-1] != "D2 " {
		f, err := frame.Read(c)
		if err != nil {
			t.Fatalf("%v, after %q", err, got)
		}
		got = append(got, fmt.Sprintf("%c%d %s", f.Kind, f.ID, f.Payload))
	}
	if n := len(got); n < 3 || got[n-3] != "D1 " || !strings.HasPrefix(got[n-2], "O2 go1.") {
		t.Errorf("%q", got)
	}
}
