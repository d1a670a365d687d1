package lazy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startRedirected starts a target with its stdout and stderr redirected as
// the shell does it.
func startRedirected(t testing.TB, redirections string, flags ...string) *target {
	t.Helper()
	wrapper := []string{"sh", "-c", `exec "$@" 3>&1 ` + redirections, "sh"}
	tg, first := launch(t, wrapper, append([]string{"-answers", "3", "-stall", "10m"}, flags...)...)
	if first != "ready" {
		t.Fatalf("the target says %q\n%s", first, tg.log)
	}
	return tg
}

// tail opens a session and gives the command in it, as a person.
func (tg *target) tail(command string) net.Conn {
	tg.t.Helper()
	tg.ring()
	c := tg.dial()
	until(tg.t, c, prompt)
	io.WriteString(c, command+"\n")
	until(tg.t, c, "Enter ends it\n")
	return c
}

func content(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// leave ends a person's tail and session.
func leave(t testing.TB, c net.Conn) {
	t.Helper()
	io.WriteString(c, "\n")
	until(t, c, prompt[1:])
	io.WriteString(c, "quit\n")
	rest(t, c)
}

func TestTail(t *testing.T) {
	for name, redirection := range map[string]string{"append": "2>>", "position": "2>", "read and write": "2<>"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "err")
			if err := os.WriteFile(file, []byte("of before\nand longer than what is written later, much longer\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			tg := startRedirected(t, redirection+file)
			tg.ask("err before")
			before, flags := tg.footprint(), tg.ask("flags")
			c := tg.tail("tail stderr")
			tg.ask("err one")
			until(t, c, "one\n")
			tg.ask("lines 3")
			if got := until(t, c, "line 2 of 3\n"); got != "line 0 of 3\nline 1 of 3\nline 2 of 3\n" {
				t.Errorf("%q", got)
			}
			leave(t, c)
			tg.gone()
			tg.ask("err after")
			want := "before\none\nline 0 of 3\nline 1 of 3\nline 2 of 3\n"
			if got := content(t, file); !strings.Contains(got, want) || !strings.Contains(got, "after\n") {
				t.Errorf("the file has\n%s", got)
			}
			if now := tg.ask("flags"); now != flags {
				t.Errorf("flags %s, were %s", now, flags)
			}
			tg.settles(before)
		})
	}
}

func TestTailOfBoth(t *testing.T) {
	dir := t.TempDir()
	out, err := filepath.Join(dir, "out"), filepath.Join(dir, "err")
	t.Run("two files", func(t *testing.T) {
		tg := startRedirected(t, ">>"+out+" 2>>"+err)
		c := tg.tail("tail both")
		tg.ask("out to stdout")
		until(t, c, "lazy: tail: stdout:\nto stdout\n")
		tg.ask("err to stderr")
		until(t, c, "lazy: tail: stderr:\nto stderr\n")
		leave(t, c)
	})
	for _, redirection := range []string{">" + out + " 2>&1", ">>" + out + " 2>>" + out} {
		t.Run(redirection[:3], func(t *testing.T) {
			tg := startRedirected(t, redirection)
			c := tg.tail("tail")
			tg.ask("out 1")
			tg.ask("err 2")
			tg.ask("out 3")
			if got := until(t, c, "3\n"); got != "1\n2\n3\n" {
				t.Errorf("%q", got)
			}
			leave(t, c)
		})
	}
	t.Run("one", func(t *testing.T) {
		tg := startRedirected(t, "2>>"+err)
		tg.ask("close 1")
		if got := tg.script("tail both\nversion\n"); !strings.HasPrefix(got, "lazy: error: tail: stdout is closed\n") || !strings.Contains(got, "\ngo1.") {
			t.Errorf("%q", got)
		}
		tg.gone()
		tg.ring()
		c := tg.dial()
		io.WriteString(c, "tail\n") // by a script
		until(t, c, "lazy: tail: not shown: stdout is closed\n")
		tg.ask("err shown")
		until(t, c, "shown\n")
		io.WriteString(c, "version\n")
		until(t, c, "go1.")
		c.Close()
	})
}

func TestTailRefuses(t *testing.T) {
	tg := startRedirected(t, "2>>"+filepath.Join(t.TempDir(), "err"), "-nofile")
	if got := tg.script("tail\nversion\n"); !regexp.MustCompile("^lazy: error: tail: .*too many open files; a descriptor is needed .*\ngo1").MatchString(got) {
		t.Error(got)
	}
	tg = startRedirected(t, "2>>"+filepath.Join(t.TempDir(), "err"), "-readonly")
	if got := tg.script("tail\n"); !strings.HasPrefix(got, "lazy: error: tail: not in a session that only observes") {
		t.Error(got)
	}
}

// TestTailAndTheEnd is that of the program while somebody looks on.
func TestTailAndTheEnd(t *testing.T) {
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
			tg.ask("lines 1000")
			fmt.Fprintln(tg.in, how)
			rest(t, c)
			tg.cmd.Wait()
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

// TestTailAndChildren starts a child that goes on when the session is over.
func TestTailAndChildren(t *testing.T) {
	dir := t.TempDir()
	file, flag := filepath.Join(dir, "err"), filepath.Join(dir, "flag")
	tg := startRedirected(t, "2>>"+file)
	c := tg.tail("tail stderr")
	tg.ask("child " + flag)
	until(t, c, "child begins\n")
	leave(t, c)
	tg.gone()
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := tg.ask("wait"); got != "<nil>" {
		t.Errorf("the child: %s", got)
	}
	if got := content(t, file); !strings.Contains(got, "child begins\n") || !strings.HasSuffix(got, "child ends\n") {
		t.Errorf("the file has\n%s", got)
	}
}

// TestTailWithSlowPeer checks that each line is either shown or counted.
func TestTailWithSlowPeer(t *testing.T) {
	const most = 200000
	file := filepath.Join(t.TempDir(), "err")
	tg := startRedirected(t, "2>>"+file)
	t.Logf("the program's writes before: %s", tg.ask("lines "+strconv.Itoa(most)))
	c := tg.tail("tail stderr")
	t.Logf("the program's writes during it: %s", tg.ask("lines "+strconv.Itoa(most)))
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

// shownOrCounted reads the lines of "lines most" to the last and returns how
// many were shown or counted, and how many of them only counted.
func shownOrCounted(t testing.TB, c net.Conn, most int) (next, lost int) {
	t.Helper()
	notice := regexp.MustCompile(`^lazy: tail: stderr: (\d+) lines \(.*\) are not shown, `)
	cut := "" // the rest of it is the first of those that are counted
	for in := bufio.NewScanner(c); next < most; {
		if !in.Scan() {
			t.Fatalf("%v, after %d lines", in.Err(), next)
		}
		line := in.Text()
		var n, of int
		if m := notice.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			next, lost, cut = next+n, lost+n, ""
		} else if _, err := fmt.Sscanf(line, "line %d of %d", &n, &of); cut != "" || err == nil && of == most && n != next {
			t.Fatalf("%q comes after %d %q", line, next-1, cut)
		} else if err != nil || of != most {
			cut = line
		} else {
			next++
		}
	}
	return next, lost
}

func TestTailOfAFileThatChanges(t *testing.T) {
	for _, redirection := range []string{"2>", "2>>"} {
		dir := t.TempDir()
		file := filepath.Join(dir, "err")
		tg := startRedirected(t, redirection+file)
		tg.ask("lines 100")
		c := tg.tail("tail stderr")
		tg.ask("cut " + file)
		if redirection == "2>>" {
			until(t, c, "lazy: tail: stderr: the file was truncated; from its beginning\n")
		}
		tg.ask("err again")
		if got := until(t, c, "again\n"); got != "again\n" {
			t.Errorf("%q", got)
		}
		if err := os.Truncate(file, 1<<33); err != nil { // a gap that nobody wrote
			t.Fatal(err)
		}
		if redirection == "2>>" {
			until(t, c, "lazy: tail: stderr: at least 0 lines (8.00GB) are not shown, ")
		}
		os.Remove(file)
		tg.ask("err removed")
		until(t, c, "removed\n")
		tg.ask("replace " + filepath.Join(dir, "other"))
		until(t, c, "lazy: error: tail: the program closed stderr or gave it another destination; try tail again\n")
		until(t, c, "lazy> ")
		io.WriteString(c, "tail stderr\n")
		until(t, c, "Enter ends it\n")
		tg.ask("err elsewhere")
		until(t, c, "elsewhere\n")
		leave(t, c)
	}
}

// TestTailEnds is about the ways to end it other than a line.
func TestTailEnds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "err")
	tg := startRedirected(t, "2>>"+file)
	before := tg.resting()
	tg.tail("tail").Close()
	tg.gone()
	tg.settles(before)

	tg.ring() // by a script that has no more to say
	c := tg.dial()
	io.WriteString(c, "tail stderr\n")
	c.CloseWrite()
	eventually(t, "a line is shown", func() bool {
		tg.ask("err a line")
		c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		n, _ := c.Read(make([]byte, 100))
		return n > 0
	})
	c.Close()
	tg.gone()
	tg.settles(before)

	person := tg.tail("tail")
	tg.ask("disarm")
	if got := rest(t, person); !strings.Contains(got, "lazy: closing: ") {
		t.Errorf("%q", got)
	}
}

// TestTailSaturated measures what takes how long in a process without a free
// processor.
func TestTailSaturated(t *testing.T) {
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
		c.SetDeadline(start.Add(patience))
		until(t, c, line)
		d := time.Since(start)
		slowest, sum = max(slowest, d), sum+d
	}
	t.Logf("a line is shown after %v on average, %v at most", sum/times, slowest)
	c.SetDeadline(time.Now().Add(patience))
	leave(t, c)
}
